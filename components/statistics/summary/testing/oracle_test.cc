// Against pandas, numpy, scipy and scikit-learn, whose answers oracle.py wrote into oracle.json.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>

#include "components/statistics/summary/collector.h"
#include "operator/base/file.h"

namespace penstock::statistics {
namespace {

constexpr std::int64_t kRows = 9'000;

template <typename Builder, typename Value>
void Put(Builder& builder, bool valid, Value value) {
  if (valid) {
    EXPECT_TRUE(builder.Append(value).ok());
  } else {
    EXPECT_TRUE(builder.AppendNull().ok());
  }
}

std::shared_ptr<arrow::Table> MakeRows() {
  arrow::Int64Builder whole;
  arrow::DoubleBuilder real, shifted, heavy;
  arrow::BooleanBuilder label;
  arrow::StringBuilder kind;
  for (std::int64_t i = 0; i < kRows; ++i) {
    Put(whole, i % 13 != 0, (i * 7919 % 5003) - 2500);
    Put(real, i % 17 != 3, double(i * i % 1009) / 7.0);
    Put(shifted, true, 1e9 + double(i % 97) * 0.125);
    Put(heavy, true, 1.0 / double(1 + i % 501) * (i % 3 == 0 ? -1 : 1));
    Put(label, true, (i * i % 1009) + (i % 31) * 20 > 800);
    Put(kind, true, std::string(1, "abcde"[(i * i % 1009) / 202]));
  }
  return arrow::Table::Make(
      arrow::schema({arrow::field("whole", arrow::int64()), arrow::field("real", arrow::float64()),
                     arrow::field("shifted", arrow::float64()),
                     arrow::field("heavy", arrow::float64()),
                     arrow::field("label", arrow::boolean()), arrow::field("kind", arrow::utf8())}),
      {*whole.Finish(), *real.Finish(), *shifted.Finish(), *heavy.Finish(), *label.Finish(),
       *kind.Finish()});
}

Statistics Collected(const Limits& limits) {
  const auto table = MakeRows();
  CollectOptions options;
  options.label = "label";
  options.limits = limits;
  auto collector = Collector::Create(*table->schema(), options);
  EXPECT_TRUE(collector) << collector.error().message;
  Block block;
  for (block.rows = 1'000; block.first_row < kRows; block.first_row += block.rows, ++block.number) {
    const auto rows = table->Slice(block.first_row, block.rows);
    EXPECT_TRUE(
        collector->Add(block, [&](std::size_t c) -> Result<std::shared_ptr<arrow::ChunkedArray>> {
          return rows->column(int(c));
        }));
  }
  return collector->Describe();
}

Json Oracle() {
  const auto text = ReadFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/oracle.json");
  return Json::parse(text.value());
}

void ExpectNear(double ours, double theirs, const std::string& what) {
  EXPECT_NEAR(ours, theirs, 1e-9 * std::max(1.0, std::abs(theirs))) << what;
}

TEST(StatisticsOracle, AllValuesGiveWhatPandasAndNumpyGive) {
  const Statistics statistics = Collected({});
  const Json oracle = Oracle();
  for (const auto& [name, expected] : oracle["columns"].items()) {
    const Column& column = *statistics.Find(name);
    const Numbers& n = column.numbers.value();
    EXPECT_EQ(n.count, expected["count"]) << name;
    ExpectNear(n.mean, expected["mean"], name);
    EXPECT_NEAR(n.deviation.value(), expected["deviation"],
                1e-9 * std::abs(double(expected["deviation"])))
        << name;
    EXPECT_EQ(n.min, expected["min"]) << name;
    EXPECT_EQ(n.max, expected["max"]) << name;
    EXPECT_EQ(n.zeros, expected["zeros"]) << name;
    EXPECT_EQ(n.negative, expected["negative"]) << name;
    EXPECT_EQ(column.distinct, expected["distinct"]) << name;
    EXPECT_EQ(Json(n.quantiles), expected["quantiles"]) << name;
    EXPECT_EQ(n.rank_error, 0) << name;
    std::vector<std::int64_t> counts;
    for (const auto& bucket : n.histogram) counts.push_back(std::int64_t(bucket.count));
    EXPECT_EQ(Json(counts), expected["histogram"]) << name;
  }
}

TEST(StatisticsOracle, CorrelationsAndAssociationsAreThoseOfPandasScipyAndScikitLearn) {
  const Statistics statistics = Collected({});
  const Json oracle = Oracle();
  ASSERT_EQ(statistics.correlations.size(), 6U);
  for (const auto& c : statistics.correlations) {
    EXPECT_NEAR(c.r.value(), oracle["correlations"][c.a + "," + c.b], 1e-9) << c.a << " " << c.b;
  }
  EXPECT_EQ(statistics.sampled_rows, kRows) << "all are sampled";
  for (const auto& a : statistics.associations) {
    const Json& expected = oracle["associations"][a.column];
    EXPECT_NEAR(a.mutual_information.value(), expected["mutualInformation"], 1e-9) << a.column;
    if (!expected.contains("auc")) continue;
    EXPECT_NEAR(a.auc.value(), expected["auc"], 1e-9) << a.column;
    EXPECT_NEAR(a.eta_squared.value(), expected["etaSquared"], 1e-9) << a.column;
  }
}

TEST(StatisticsOracle, SketchesAreWithinTheErrorsThatTheyState) {
  const Statistics statistics = Collected({64, 64, 64, 64});
  const Json oracle = Oracle();
  for (const auto& [name, expected] : oracle["columns"].items()) {
    const Column& column = *statistics.Find(name);
    const Numbers& n = column.numbers.value();
    ExpectNear(n.mean, expected["mean"], name);
    const auto distinct = double(expected["distinct"]);
    EXPECT_NEAR(double(column.distinct), distinct, 3 * DistinctSketch::kError * distinct + 1)
        << name;
    EXPECT_GT(n.rank_error, 0) << name;
    EXPECT_LT(n.rank_error, 0.1) << name;
    // The rank of our quantile lies within the error of its own place: ties may widen it.
    const auto theirs = expected["quantiles"].get<std::vector<double>>();
    for (int q = 0; q <= 100; ++q) {
      const int low = std::max(0, q - int(std::ceil(n.rank_error * 100)) - 1);
      const int high = std::min(100, q + int(std::ceil(n.rank_error * 100)) + 1);
      EXPECT_GE(n.quantiles[std::size_t(q)], theirs[std::size_t(low)]) << name << " " << q;
      EXPECT_LE(n.quantiles[std::size_t(q)], theirs[std::size_t(high)]) << name << " " << q;
    }
  }
}

}  // namespace
}  // namespace penstock::statistics
