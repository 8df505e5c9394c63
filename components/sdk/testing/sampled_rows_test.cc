#include "components/sdk/sampled_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::sdk {
namespace {

Json SampleIn(const std::string& folder) {
  const auto text = ReadFile(folder + "/" + kSampleFile);
  return text ? Json::parse(*text) : Json();
}

std::shared_ptr<arrow::RecordBatch> Numbers(std::int64_t rows) {
  arrow::Int64Builder numbers;
  for (std::int64_t i = 0; i < rows; ++i) EXPECT_TRUE(numbers.Append(i).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows,
                                  {numbers.Finish().ValueOrDie()});
}

std::shared_ptr<arrow::RecordBatch> Texts(const std::vector<std::string>& values) {
  arrow::StringBuilder texts;
  EXPECT_TRUE(texts.AppendValues(values).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("t", arrow::utf8())}),
                                  std::int64_t(values.size()), {texts.Finish().ValueOrDie()});
}

TEST(SampledRows, AreThoseOfAllTheDatasetInTheirOrderWhateverTheBatches) {
  const TestFolder folder;
  const auto all = Numbers(200'000);
  WriteDataset(folder / "one", {all});
  WriteDataset(folder / "many", {all->Slice(0, 7), all->Slice(7, 120'000), all->Slice(120'007)});
  const Json sample = SampleIn(folder / "one");
  EXPECT_EQ(sample, SampleIn(folder / "many"));
  ASSERT_EQ(sample["rows"].size(), kSampleRows);
  std::int64_t before = -1;
  for (std::size_t i = 0; i < kSampleRows; ++i) {
    const auto place = sample["places"][i].get<std::int64_t>();
    EXPECT_GT(place, before);
    EXPECT_EQ(sample["rows"][i][0], place) << "the row of that place";
    before = place;
  }
  EXPECT_GT(before, 150'000) << "not the first rows alone";
  EXPECT_EQ(sample["cut"], Json::array());
}

TEST(SampledRows, KeepEveryValueOrSayWhatTheyDoNot) {
  const TestFolder folder;
  const std::string korean = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "가";  // 300 bytes
    return text;
  }();
  WriteDataset(folder / "d", {Texts({korean, std::string(200, 'x')})});
  const Json sample = SampleIn(folder / "d");
  EXPECT_EQ(sample["rows"][0][0].get<std::string>(), korean.substr(0, 198)) << "whole letters";
  EXPECT_EQ(sample["rows"][1][0], std::string(200, 'x'));
  EXPECT_EQ(sample["cut"], Json::parse("[[0, 0, 300]]"));
}

TEST(SampledRows, AreWrittenAsTheyAreWhateverTheirType) {
  const TestFolder folder;
  const auto schema =
      arrow::schema({arrow::field("big", arrow::int64()), arrow::field("x", arrow::float64()),
                     arrow::field("day", arrow::date32()),
                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO)),
                     arrow::field("b", arrow::boolean()), arrow::field("raw", arrow::binary()),
                     arrow::field("none", arrow::utf8())});
  arrow::BinaryBuilder raw;
  ASSERT_TRUE(raw.Append(std::string("\0\xff", 2)).ok());
  const auto scalar = [](const arrow::Scalar& value) {
    return arrow::MakeArrayFromScalar(value, 1).ValueOrDie();
  };
  const auto batch = arrow::RecordBatch::Make(
      schema, 1,
      {scalar(arrow::Int64Scalar(9'007'199'254'740'993)),
       scalar(arrow::DoubleScalar(std::numeric_limits<double>::infinity())),
       scalar(arrow::Date32Scalar(2932896)),
       scalar(
           arrow::TimestampScalar(1'357'034'400'000'001, arrow::timestamp(arrow::TimeUnit::MICRO))),
       scalar(arrow::BooleanScalar(true)), raw.Finish().ValueOrDie(),
       arrow::MakeArrayOfNull(arrow::utf8(), 1).ValueOrDie()});
  WriteDataset(folder / "d", {batch});
  EXPECT_EQ(SampleIn(folder / "d")["rows"][0],
            Json::parse(R"(["9007199254740993", "inf", "9999-12-31",
                            "2013-01-01T10:00:00.000001Z", true, "0x00ff", null])"));
}

TEST(SampledRows, OfListsInListsAreBoundedToo) {
  arrow::ListBuilder outer(
      arrow::default_memory_pool(),
      std::make_shared<arrow::ListBuilder>(arrow::default_memory_pool(),
                                           std::make_shared<arrow::Int64Builder>()));
  auto& inner = static_cast<arrow::ListBuilder&>(*outer.value_builder());
  auto& numbers = static_cast<arrow::Int64Builder&>(*inner.value_builder());
  ASSERT_TRUE(outer.Append().ok());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(inner.Append().ok());
    for (int j = 0; j < 1000; ++j) ASSERT_TRUE(numbers.Append(j).ok());
  }
  const auto array = outer.Finish().ValueOrDie();
  SampledRows sample;
  sample.Add(
      *arrow::RecordBatch::Make(arrow::schema({arrow::field("l", array->type())}), 1, {array}), 0);
  const Json json = sample.ToJson();
  EXPECT_EQ(json["rows"][0][0].size(), 1U);
  EXPECT_EQ(json["rows"][0][0][0].size(), 19U);
  EXPECT_EQ(json["cut"], Json::parse("[[0, 0, 1000]]"));
}

TEST(SampledRows, StayWithinTheirBytesAndColumns) {
  const TestFolder folder;
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  arrow::StringBuilder texts;
  for (int r = 0; r < 60; ++r) ASSERT_TRUE(texts.Append(std::string(500, '\x01')).ok());
  const auto text = texts.Finish().ValueOrDie();
  for (int c = 0; c < 250; ++c) {
    fields.push_back(arrow::field("c" + std::to_string(c), arrow::utf8()));
    columns.push_back(c < 20 ? text : arrow::MakeArrayOfNull(arrow::utf8(), 60).ValueOrDie());
  }
  WriteDataset(folder / "d", {arrow::RecordBatch::Make(arrow::schema(fields), 60, columns)});
  const std::string file = *ReadFile(folder / "d/_sample.json");
  EXPECT_LE(file.size(), kSampleBytes);
  const Json sample = Json::parse(file);
  EXPECT_EQ(sample["columns"].size(), std::size_t(kSampleColumns));
  EXPECT_EQ(sample["moreColumns"], 50);
  EXPECT_GE(sample["rows"].size(), 1U);
  EXPECT_EQ(sample["cut"].size(), 20 * sample["rows"].size());
}

TEST(SampledRows, OfADatasetWithoutRowsThereAreNone) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Numbers(0)});
  EXPECT_FALSE(std::filesystem::exists(folder / "d/_sample.json"));
}

TEST(SampledRows, OfADatasetWrittenOverAnotherAreNotTheOtherOnes) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Numbers(3)});
  ASSERT_TRUE(std::filesystem::exists(folder / "d/_sample.json"));
  WriteDataset(folder / "d", {Numbers(0)});
  EXPECT_FALSE(std::filesystem::exists(folder / "d/_sample.json"));
}

// DuckDB writes a query's parts, and nobody here has seen their rows.
TEST(SampledRows, OfPartsOfAnotherProgramComeFromAllOfThem) {
  const TestFolder folder;
  WriteDataset(folder / "d", {Numbers(500'000)});
  std::filesystem::remove(folder / "d/_sample.json");
  ASSERT_TRUE(DescribeDataset(folder / "d"));
  const Json sample = SampleIn(folder / "d");
  ASSERT_EQ(sample["rows"].size(), kSampleRows);
  for (std::size_t i = 0; i < kSampleRows; ++i)
    EXPECT_EQ(sample["rows"][i][0], sample["places"][i]);
  EXPECT_LT(sample["places"].front().get<std::int64_t>(), kSampledOfGroup);
  EXPECT_GT(sample["places"].back().get<std::int64_t>(), 390'000);
}

}  // namespace
}  // namespace penstock::sdk
