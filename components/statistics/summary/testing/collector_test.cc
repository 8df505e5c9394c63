#include "components/statistics/summary/collector.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "components/sdk/row_hash.h"

namespace penstock::statistics {
namespace {

constexpr std::int64_t kBlockOfTest = 700;
constexpr std::uint64_t kBlocks = 13;

// Bounds that the rows below exceed, so that every sketch is at work.
constexpr Limits kSmall = {100, 2'000, 16, 32};

std::shared_ptr<arrow::Table> Rows() {
  std::mt19937_64 random(11);
  arrow::Int64Builder whole;
  arrow::DoubleBuilder real;
  arrow::StringBuilder text;
  arrow::BooleanBuilder late;
  arrow::TimestampBuilder time(arrow::timestamp(arrow::TimeUnit::MICRO),
                               arrow::default_memory_pool());
  auto element = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder list(arrow::default_memory_pool(), element);
  bool ok = true;
  for (std::uint64_t i = 0; i < kBlockOfTest * kBlocks; ++i) {
    const std::uint64_t x = random();
    ok &= (x % 10 == 0 ? whole.AppendNull() : whole.Append(std::int64_t(x % 5000))).ok();
    const double special = x % 50 == 1 ? std::nan("") : x % 50 == 2 ? INFINITY : double(x) * 1e-3;
    ok &= real.Append(special).ok();
    ok &= text.Append(x % 3 == 0 ? "often" : "t" + std::to_string(x % 4000)).ok();
    ok &= late.Append(x % 5000 > 2500).ok();
    ok &= time.Append(std::int64_t(1'357'000'000'000'000 + x % 1'000'000'000'000)).ok();
    ok &= (x % 7 == 0 ? list.AppendNull() : list.Append()).ok();
    for (std::uint64_t k = 0; x % 7 != 0 && k < x % 4; ++k)
      ok &= element->Append(std::int64_t(k)).ok();
  }
  EXPECT_TRUE(ok);
  arrow::ArrayVector columns = {*whole.Finish(), *real.Finish(), *text.Finish(),
                                *late.Finish(),  *time.Finish(), *list.Finish()};
  arrow::FieldVector fields;
  const char* names[] = {"whole", "real", "text", "late", "time", "list"};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    fields.push_back(arrow::field(names[c], columns[c]->type()));
  }
  return arrow::Table::Make(arrow::schema(fields), columns);
}

Collector NewCollector(const arrow::Table& rows, int threads) {
  CollectOptions options;
  options.label = "late";
  options.limits = kSmall;
  options.threads = threads;
  return Collector::Create(*rows.schema(), options).value();
}

void AddBlock(const arrow::Table& rows, std::uint64_t number, Collector& collector) {
  const Block block{number, std::int64_t(number) * kBlockOfTest, kBlockOfTest};
  const auto slice = rows.Slice(block.first_row, block.rows);
  const auto added =
      collector.Add(block, [&](std::size_t c) -> Result<std::shared_ptr<arrow::ChunkedArray>> {
        return slice->column(int(c));
      });
  ASSERT_TRUE(added) << added.error().message;
}

std::string Whole(const arrow::Table& rows, int threads) {
  Collector collector = NewCollector(rows, threads);
  for (std::uint64_t b = 0; b < kBlocks; ++b) AddBlock(rows, b, collector);
  return ToJson(collector.Describe()).dump();
}

TEST(Collector, AnyNumberOfThreadsGivesTheSameBytes) {
  const auto rows = Rows();
  const std::string one = Whole(*rows, 1);
  EXPECT_EQ(Whole(*rows, 2), one);
  EXPECT_EQ(Whole(*rows, 4), one);
  EXPECT_NE(one.find("\"rankError\":0.0"), std::string::npos) << "the sketches were not at work";
}

TEST(Collector, ShardsMergedInAnyOrderGiveTheSameBytes) {
  const auto rows = Rows();
  const std::string one = Whole(*rows, 1);
  std::mt19937_64 random(2);
  for (int round = 0; round < 6; ++round) {
    std::vector<std::uint64_t> blocks;
    for (std::uint64_t b = 0; b < kBlocks; ++b) blocks.push_back(b);
    std::shuffle(blocks.begin(), blocks.end(), random);
    std::vector<Collector> shards;
    for (int s = 0; s < 3; ++s) shards.push_back(NewCollector(*rows, 1 + s));
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      AddBlock(*rows, blocks[i], shards[std::size_t(random() % 3)]);
    }
    std::shuffle(shards.begin(), shards.end(), random);
    shards[0].Merge(std::move(shards[1]));
    shards[0].Merge(std::move(shards[2]));
    EXPECT_EQ(ToJson(shards[0].Describe()).dump(), one);
  }
}

TEST(Collector, TextsInADictionaryOfTheFileAreTheSameTexts) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  const auto rows = Rows();
  arrow::ChunkedArrayVector columns = rows->columns();
  columns[2] = arrow::compute::DictionaryEncode(columns[2])->chunked_array();
  const auto coded = arrow::Table::Make(rows->schema(), columns);
  EXPECT_EQ(Whole(*coded, 1), Whole(*rows, 1));
}

TEST(Collector, CountsNullsNaNInfinitiesAndEmptyListsApart) {
  const auto lists = arrow::list(arrow::int64());
  arrow::DoubleBuilder numbers;
  ASSERT_TRUE(numbers.AppendValues({std::nan(""), INFINITY, -INFINITY}).ok());
  ASSERT_TRUE(numbers.AppendNull().ok());
  const auto rows = arrow::Table::Make(
      arrow::schema({arrow::field("list", lists), arrow::field("text", arrow::utf8()),
                     arrow::field("number", arrow::float64())}),
      {arrow::json::ArrayFromJSONString(lists, "[[], null, [1, null, 3], []]").ValueOrDie(),
       arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["", null, "é", "abc"])").ValueOrDie(),
       *numbers.Finish()});
  Collector collector = Collector::Create(*rows->schema(), {}).value();
  ASSERT_TRUE(
      collector.Add({0, 0, 4}, [&](std::size_t c) -> Result<std::shared_ptr<arrow::ChunkedArray>> {
        return rows->column(int(c));
      }));
  const Statistics statistics = collector.Describe();
  const Column& list = statistics.columns[0];
  EXPECT_EQ(list.kind, Kind::kList);
  EXPECT_EQ(list.nulls, 1);
  EXPECT_EQ(list.empty, 2);
  EXPECT_EQ(list.lengths->max, 3);
  EXPECT_EQ(list.elements.at(0).rows, 3);
  EXPECT_EQ(list.elements.at(0).nulls, 1);
  EXPECT_EQ(list.elements.at(0).numbers->mean, 2);
  const Column& text = statistics.columns[1];
  EXPECT_EQ(text.nulls, 1);
  EXPECT_EQ(text.empty, 1);
  EXPECT_EQ(text.distinct, 3);
  EXPECT_EQ(text.lengths->quantiles[50], 1) << "a character, not two bytes";
  const Column& number = statistics.columns[2];
  EXPECT_EQ(number.nan, 1);
  EXPECT_EQ(number.positive_infinite, 1);
  EXPECT_EQ(number.negative_infinite, 1);
  EXPECT_EQ(number.nulls, 1);
  EXPECT_EQ(number.count(), 0);
  EXPECT_FALSE(number.numbers.has_value());
  EXPECT_EQ(statistics.sample.size(), 4U);
}

// With neither rows to show nor a label that rows are sampled for it crashed.
TEST(Collector, ShowsNoRowsWhereNoneAreAskedFor) {
  const auto rows = Rows();
  CollectOptions options;
  options.sample = 0;
  options.correlated = 0;
  Collector collector = Collector::Create(*rows->schema(), options).value();
  AddBlock(*rows, 0, collector);
  EXPECT_TRUE(collector.Describe().sample.empty());
}

TEST(Collector, SaysWhichColumnTheLabelIsNot) {
  CollectOptions options;
  options.label = "nothing";
  const auto collector = Collector::Create(*Rows()->schema(), options);
  ASSERT_FALSE(collector);
  EXPECT_EQ(collector.error().message, "label: there is no column 'nothing'");
}

TEST(Collector, ReadsBackWhatItWrote) {
  const auto rows = Rows();
  Collector collector = NewCollector(*rows, 2);
  for (std::uint64_t b = 0; b < kBlocks; ++b) AddBlock(*rows, b, collector);
  const Json json = ToJson(collector.Describe());
  const auto read = StatisticsFromJson(Json::parse(json.dump()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(ToJson(*read).dump(), json.dump());
  Json other = json;
  other["version"] = 2;
  EXPECT_FALSE(StatisticsFromJson(other));
  other = json;
  other["columns"][0].erase("nulls");
  const auto broken = StatisticsFromJson(other);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("nulls"), std::string::npos) << broken.error().message;
}

}  // namespace
}  // namespace penstock::statistics
