#include "components/sdk/dataset.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "components/sdk/row_hash.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

arrow::FieldVector Fields() {
  return {arrow::field("이름", arrow::utf8()), arrow::field("n", arrow::int64()),
          arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))};
}

TEST(Dataset, KeepsRowsTheirOrderAndTypes) {
  const TestFolder folder;
  const auto first = BatchOf(Fields(), R"([["가", 1, "2013-01-01"], [null, 2, null]])");
  const auto second = BatchOf(Fields(), R"([["나", null, "2013-08-01T05:00:00Z"]])");
  WriteDataset(folder / "d", {first, second});
  const auto all = ReadDataset(folder / "d");
  ASSERT_EQ(all->num_rows(), 3);
  EXPECT_TRUE(all->Slice(0, 2)->Equals(*first));
  EXPECT_TRUE(all->Slice(2)->Equals(*second));
}

TEST(Dataset, SaysWhatItHolds) {
  const TestFolder folder;
  WriteDataset(folder / "d", {BatchOf(Fields(), R"([["가", 1, "2013-01-01"]])")});
  const auto text = ReadFile(folder / "d/_schema.json");
  ASSERT_TRUE(text);
  const Json schema = Json::parse(*text);
  EXPECT_EQ(schema["rows"], 1);
  EXPECT_EQ(schema["columns"][0], (Json{{"name", "이름"}, {"type", "string"}}));
  EXPECT_EQ(schema["columns"][2]["type"], "timestamp");
  EXPECT_EQ(schema["fingerprint"].get<std::string>().rfind("sha256:", 0), 0U);
}

TEST(Dataset, GivesTheSameBytesForTheSameRowsWhateverTheBatches) {
  const TestFolder folder;
  const auto all = BatchOf(Fields(), R"([["a", 1, null], ["b", 2, null], ["c", 3, null]])");
  WriteDataset(folder / "one", {all});
  WriteDataset(folder / "two", {all->Slice(0, 1), all->Slice(1)});
  EXPECT_EQ(*ReadFile(folder / "one/part-00000.parquet"),
            *ReadFile(folder / "two/part-00000.parquet"));
}

TEST(Dataset, MakesEveryTypeCanonical) {
  const TestFolder folder;
  arrow::Int32Builder ints;
  ASSERT_TRUE(ints.AppendValues({1, 2}).ok());
  arrow::FloatBuilder floats;
  ASSERT_TRUE(floats.AppendValues({0.5F, 1.5F}).ok());
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO, "UTC"),
                                arrow::default_memory_pool());
  ASSERT_TRUE(times.AppendValues({1357034400000000123, 0}).ok());
  const auto schema =
      arrow::schema({arrow::field("i", arrow::int32()), arrow::field("f", arrow::float32()),
                     arrow::field("t", arrow::timestamp(arrow::TimeUnit::NANO, "UTC"))});
  WriteDataset(folder / "d",
               {arrow::RecordBatch::Make(schema, 2,
                                         {ints.Finish().ValueOrDie(), floats.Finish().ValueOrDie(),
                                          times.Finish().ValueOrDie()})});
  const auto expected =
      BatchOf({arrow::field("i", arrow::int64()), arrow::field("f", arrow::float64()),
               arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))},
              R"([[1, 0.5, "2013-01-01T10:00:00Z"], [2, 1.5, "1970-01-01"]])");
  EXPECT_TRUE(ReadDataset(folder / "d")->Equals(*expected));
}

TEST(Dataset, ReadsChosenColumnsInTheirOrder) {
  const TestFolder folder;
  WriteDataset(folder / "d", {BatchOf(Fields(), R"([["a", 1, null]])")});
  auto reader = DatasetReader::Open(folder / "d", {"n", "이름"});
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->schema()->field_names(), (std::vector<std::string>{"n", "이름"}));
  auto batch = (*reader)->Next();
  ASSERT_TRUE(batch);
  EXPECT_EQ((*batch)->schema()->field_names(), (std::vector<std::string>{"n", "이름"}));
}

TEST(Dataset, SaysWhichColumnsThereAreWhenOneIsMissing) {
  const TestFolder folder;
  WriteDataset(folder / "d", {BatchOf(Fields(), R"([["a", 1, null]])")});
  const auto reader = DatasetReader::Open(folder / "d", {"m"});
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("no column 'm'; the dataset has 이름, n, t"),
            std::string::npos);
}

TEST(Dataset, RefusesAFolderThatIsNone) {
  const TestFolder folder;
  const auto empty = DatasetReader::Open(folder.path());
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("no dataset"), std::string::npos);
  std::ofstream(folder / "part-00000.parquet") << "not parquet at all";
  EXPECT_FALSE(DatasetReader::Open(folder.path()));
  EXPECT_EQ(DatasetReader::Open(folder / "missing").error().kind, ErrorKind::kNotFound);
}

TEST(HashRows, DependsOnTheValuesOnly) {
  const auto batch = BatchOf(Fields(), R"([["a", 1, null], ["b", 1, null], ["a", 1, null]])");
  const auto all = HashRows(*batch, {"이름", "n"}, 0);
  const auto last = HashRows(*batch->Slice(2), {"이름", "n"}, 0);
  ASSERT_TRUE(all && last);
  EXPECT_EQ((*all)[0], (*all)[2]);
  EXPECT_NE((*all)[0], (*all)[1]);
  EXPECT_EQ((*last)[0], (*all)[2]);
  EXPECT_NE((*HashRows(*batch, {"이름", "n"}, 1))[0], (*all)[0]);
  EXPECT_FALSE(HashRows(*batch, {"x"}, 0));
}

}  // namespace
}  // namespace penstock::sdk
