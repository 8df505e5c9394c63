// A dataset on disk, with types that are not numbers as they are.
#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "components/sdk/testing/test_data.h"
#include "components/statistics/summary/collect.h"

namespace penstock::statistics {
namespace {

Statistics Of(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
              const CollectOptions& options = {}) {
  const sdk::TestFolder folder;
  sdk::WriteDataset(folder / "data", batches);
  auto statistics = CollectStatistics(folder / "data", options);
  EXPECT_TRUE(statistics) << statistics.error().message;
  return *std::move(statistics);
}

TEST(Describe, TimesDatesAndDecimalsStandAsThemselves) {
  const auto time_type = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto price_type = arrow::decimal128(10, 2);
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("time", time_type), arrow::field("date", arrow::date32()),
                     arrow::field("price", price_type)}),
      3,
      {arrow::json::ArrayFromJSONString(time_type, R"(["2013-01-01", "2013-01-03", null])")
           .ValueOrDie(),
       arrow::json::ArrayFromJSONString(arrow::date32(), "[15706, 15708, null]").ValueOrDie(),
       arrow::json::ArrayFromJSONString(price_type, R"(["1.25", "-0.75", null])").ValueOrDie()});
  const Statistics statistics = Of({batch});
  const Column& time = statistics.columns[0];
  EXPECT_EQ(time.kind, Kind::kTime);
  EXPECT_EQ(time.least, "2013-01-01T00:00:00Z");
  EXPECT_EQ(time.most, "2013-01-03T00:00:00Z");
  EXPECT_EQ(time.numbers->mean, 1'357'084'800e6) << "microseconds of the second";
  EXPECT_EQ(time.top.at(0).value, "2013-01-01T00:00:00Z");
  const Column& date = statistics.columns[1];
  EXPECT_EQ(date.type, "date");
  EXPECT_EQ(date.least, "2013-01-01");
  EXPECT_EQ(date.numbers->mean, 15'707);
  const Column& price = statistics.columns[2];
  EXPECT_EQ(price.type, "decimal(10,2)");
  EXPECT_EQ(price.numbers->mean, 0.25);
  EXPECT_EQ(price.numbers->deviation, 1);
  EXPECT_EQ(price.numbers->negative, 1);
  EXPECT_EQ(price.least, "-0.75");
  EXPECT_EQ(price.top.at(0).value, "-0.75");
}

TEST(Describe, IntegersBeyondADoubleKeepTheirEnds) {
  const auto batch = sdk::BatchOf({arrow::field("id", arrow::int64())},
                                  "[[9007199254740993], [9007199254740995]]");
  const Column& id = Of({batch}).columns[0];
  EXPECT_EQ(id.distinct, 2);
  EXPECT_EQ(id.least, 9007199254740993);
  EXPECT_EQ(id.most, 9007199254740995);
}

TEST(Describe, OneValueIsItsOwnMeanAndOneBucket) {
  const auto batch = sdk::BatchOf({arrow::field("x", arrow::float64())}, "[[0.1], [0.1], [0.1]]");
  const Numbers numbers = Of({batch}).columns[0].numbers.value();
  EXPECT_EQ(numbers.mean, 0.1);
  EXPECT_EQ(numbers.deviation, 0);
  EXPECT_EQ(numbers.histogram, (std::vector<Bucket>{{0.1, 0.1, 3}}));
  EXPECT_EQ(numbers.quantile_histogram, (std::vector<Bucket>{{0.1, 0.1, 3}}));
}

TEST(Describe, HistogramsCountEachValueOnceAndTheLastBucketHasTheEnd) {
  std::string rows;
  for (int i = 0; i <= 100; ++i) rows += (i == 0 ? "[[" : ", [") + std::to_string(i) + "]";
  const auto batch = sdk::BatchOf({arrow::field("x", arrow::int64())}, rows + "]");
  const Numbers numbers = Of({batch}).columns[0].numbers.value();
  ASSERT_EQ(numbers.histogram.size(), 10U);
  EXPECT_EQ(numbers.histogram.front(), (Bucket{0, 10, 10}));
  EXPECT_EQ(numbers.histogram.back(), (Bucket{90, 100, 11}));
  double all = 0;
  for (const auto& bucket : numbers.quantile_histogram) all += bucket.count;
  EXPECT_EQ(all, 101);
  EXPECT_EQ(numbers.quantiles[50], 50);
  EXPECT_DOUBLE_EQ(numbers.ShareAtMost(50), 0.5);
  EXPECT_EQ(numbers.ShareAtMost(-1), 0);
  EXPECT_EQ(numbers.ShareAtMost(100), 1);
}

TEST(Describe, PartsAreOneTableAndASliceHasOnlyItsRows) {
  const auto fields = arrow::FieldVector{arrow::field("carrier", arrow::utf8()),
                                         arrow::field("delay", arrow::int64())};
  const auto batch = sdk::BatchOf(
      fields, R"([["UA", 10], ["AA", 2], ["UA", 20], [null, 7], ["UA", null], ["B6", 1]])");
  CollectOptions options;
  options.slices = {"carrier"};
  options.slice_values = 2;
  const Statistics statistics = Of({batch}, options);
  ASSERT_EQ(statistics.slices.size(), 2U);
  EXPECT_EQ(statistics.slices[0].value, "UA");
  EXPECT_EQ(statistics.slices[0].rows, 3);
  EXPECT_EQ(statistics.slices[0].columns[1].nulls, 1);
  EXPECT_EQ(statistics.slices[0].columns[1].numbers->mean, 15);
  EXPECT_EQ(statistics.slices[1].value, "AA") << "of equal counts the lesser text";
  options.slices = {"nothing"};
  const sdk::TestFolder folder;
  sdk::WriteDataset(folder / "data", {batch});
  const auto unknown = CollectStatistics(folder / "data", options);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "slices: there is no column 'nothing'");
}

TEST(Describe, LongTextsAreToldApartAndCut) {
  const std::string a(1000, 'x');
  const auto batch = sdk::BatchOf({arrow::field("s", arrow::utf8())},
                                  Json{{a + "1"}, {a + "2"}, {a + "1"}}.dump());
  const Column column = Of({batch}).columns[0];
  EXPECT_EQ(column.distinct, 2);
  EXPECT_EQ(column.top.at(0).count, 2);
  EXPECT_LE(column.top.at(0).value.get<std::string>().size(), 256U);
  EXPECT_EQ(column.lengths->max, 1001);
}

TEST(Describe, NoRowsAreNoError) {
  const auto batch =
      sdk::BatchOf({arrow::field("s", arrow::utf8()), arrow::field("x", arrow::int64())}, "[]");
  const Statistics statistics = Of({batch});
  EXPECT_EQ(statistics.rows, 0);
  EXPECT_FALSE(statistics.columns[1].numbers.has_value());
  EXPECT_TRUE(statistics.columns[0].top_complete);
}

}  // namespace
}  // namespace penstock::statistics
