#include "components/sdk/dataset.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "components/sdk/row_hash.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"

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

// Pages were cut anew at each batch.
TEST(Dataset, GivesTheSamePagesForBatchesOfOtherSizes) {
  arrow::Int64Builder numbers;
  for (std::int64_t i = 0; i < 150'000; ++i) ASSERT_TRUE(numbers.Append(i * 7919).ok());
  const auto rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}),
                                             150'000, {*numbers.Finish()});
  const TestFolder folder;
  std::set<std::string> digests;
  for (const std::int64_t size : {999, 70'000, 150'000}) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    for (std::int64_t at = 0; at < rows->num_rows(); at += size) {
      batches.push_back(rows->Slice(at, size));
    }
    const std::string name = std::to_string(size);
    WriteDataset(folder / name, batches);
    digests.insert(Sha256Hex(*ReadFile(folder / (name + "/part-00000.parquet"))));
    EXPECT_EQ(ReadDataset(folder / name)->num_rows(), 150'000);
  }
  EXPECT_EQ(digests.size(), 1U);
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

TEST(Dataset, KeepsDatesAndDecimalsInItsPartsAndCarriesItsSchema) {
  const TestFolder folder;
  const auto price = arrow::decimal128(20, 2);
  const auto schema =
      arrow::schema({arrow::field("day", arrow::date32()), arrow::field("price", price)});
  const auto batch = arrow::RecordBatch::Make(
      schema, 1,
      {arrow::MakeArrayFromScalar(arrow::Date32Scalar(2932896), 1).ValueOrDie(),  // 9999-12-31
       arrow::MakeArrayFromScalar(
           arrow::Decimal128Scalar(arrow::Decimal128("12345678901234567890"), price), 1)
           .ValueOrDie()});
  auto writer = DatasetWriter::Create(folder / "d", schema);
  ASSERT_TRUE(writer);
  Schema roles = SchemaOf(*schema);
  roles.columns[1].role = Role::kLabel;
  (*writer)->Describe(roles, Carry::kRole);
  ASSERT_TRUE((*writer)->Write(batch) && (*writer)->Finish());
  auto reader = DatasetReader::Open(folder / "d");
  ASSERT_TRUE(reader);
  const auto read = (*reader)->Next();
  ASSERT_TRUE(read);
  EXPECT_TRUE((*reader)->source()->Equals(*batch));
  EXPECT_EQ(ColumnTypeOf(*(*read)->column(0)->type()), ColumnType::kTimestamp);
  EXPECT_EQ(ColumnTypeOf(*(*read)->column(1)->type()), ColumnType::kFloat64);
  const auto carried = DatasetSchema(folder / "d");
  ASSERT_TRUE(carried) << carried.error().message;
  EXPECT_EQ(carried->columns[0].type, "date");
  EXPECT_EQ(carried->columns[1].type, "decimal(20,2)");
  EXPECT_EQ(carried->columns[1].role, Role::kLabel);
  EXPECT_EQ(*LabelColumn("", folder / "d"), "price");
  EXPECT_EQ(*LabelColumn("day", folder / "d"), "day");
  EXPECT_FALSE(carried->columns[0].nullable);
}

template <typename Builder, typename Decimal>
void ExpectExactDoubles(const std::shared_ptr<arrow::DataType>& type) {
  const TestFolder folder;
  Builder prices(type);
  for (const char* text : {"99.46", "-99.99", "0.03", "12345678.90"}) {
    ASSERT_TRUE(prices.Append(Decimal(text)).ok());
  }
  ASSERT_TRUE(prices.AppendNull().ok());
  WriteDataset(folder / "d", {arrow::RecordBatch::Make(arrow::schema({arrow::field("price", type)}),
                                                       5, {prices.Finish().ValueOrDie()})});
  const auto expected = BatchOf({arrow::field("price", arrow::float64())},
                                "[[99.46], [-99.99], [0.03], [12345678.9], [null]]");
  const auto read = ReadDataset(folder / "d");
  EXPECT_TRUE(read->Equals(*expected)) << read->ToString();
}

// A client sends 99.46, and a category of 99.46000000000001 would be another.
TEST(Dataset, GivesTheDoubleThatADecimalReadsAs) {
  ExpectExactDoubles<arrow::Decimal128Builder, arrow::Decimal128>(arrow::decimal128(10, 2));
  ExpectExactDoubles<arrow::Decimal256Builder, arrow::Decimal256>(arrow::decimal256(40, 2));
}

TEST(Dataset, ReadsAColumnThatIsNullInAllOfOnePart) {
  const TestFolder folder;
  const auto text = arrow::field("city", arrow::utf8());
  WriteDataset(folder / "d", {BatchOf({text}, R"([["Rome"]])")});
  // As another program writes a part of a day without a value.
  const auto none = arrow::schema({arrow::field("city", arrow::null())});
  const auto file = arrow::io::FileOutputStream::Open(folder / "d/a-part.parquet").ValueOrDie();
  const auto table =
      arrow::Table::Make(none, {arrow::MakeArrayOfNull(arrow::null(), 2).ValueOrDie()});
  ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 1024).ok());
  ASSERT_TRUE(file->Close().ok());
  const auto rows = ReadDataset(folder / "d");
  EXPECT_TRUE(rows->Equals(*BatchOf({text}, R"([[null], [null], ["Rome"]])")));
}

TEST(Dataset, NamesTheColumnWhoseTypeIsAnotherInAPart) {
  const TestFolder folder;
  WriteDataset(folder / "d", {BatchOf({arrow::field("n", arrow::int64())}, "[[1]]")});
  WriteDataset(folder / "e", {BatchOf({arrow::field("n", arrow::utf8())}, R"([["x"]])")});
  std::filesystem::copy(folder / "e/part-00000.parquet", folder / "d/part-00001.parquet");
  const auto read = ForEachBatch(folder / "d", {}, [](const auto&) { return Result<void>(); });
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("part-00001.parquet: column 'n' is string, in the first part "
                                      "int64"),
            std::string::npos)
      << read.error().message;
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
