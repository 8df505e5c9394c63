#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>

#include "components/ingest/parts/widen.h"
#include "components/ingest/testing/ingest_fixture.h"

namespace penstock::ingest {
namespace {

using sdk::BatchOf;

class SeveralParts : public IngestFiles {
 protected:
  // As another program writes it: with the types as they are.
  void Part(const std::string& name, const arrow::FieldVector& fields, const std::string& rows) {
    Part(name, BatchOf(fields, rows));
  }
  void Part(const std::string& name, const std::shared_ptr<arrow::RecordBatch>& batch) {
    std::filesystem::create_directories(folder_ / "in");
    const auto file = arrow::io::FileOutputStream::Open(folder_ / "in/" + name).ValueOrDie();
    const auto table = arrow::Table::FromRecordBatches({batch}).ValueOrDie();
    ASSERT_TRUE(parquet::arrow::WriteTable(
                    *table, arrow::default_memory_pool(), file, 1024,
                    parquet::default_writer_properties(),
                    parquet::ArrowWriterProperties::Builder().store_schema()->build())
                    .ok());
    ASSERT_TRUE(file->Close().ok());
  }
  // Of a type that is stored as these integers of 64 bits.
  void Stored(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
              const std::string& rows) {
    const auto integers = BatchOf({arrow::field("x", arrow::int64())}, rows)->column(0);
    Part(name, arrow::RecordBatch::Make(arrow::schema({arrow::field("x", type)}),
                                        integers->length(), {integers->View(type).ValueOrDie()}));
  }
  std::string In() { return folder_ / "in"; }
};

const auto kInt = arrow::int64();
const auto kText = arrow::utf8();

TEST_F(SeveralParts, AColumnThatOnlyALaterPartHasDoesNotVanish) {
  Part("part-0.parquet", {arrow::field("a", kInt)}, "[[1]]");
  Part("part-1.parquet", {arrow::field("extra", kText), arrow::field("a", kInt)},
       R"([["kept", 2]])");
  Write("in/_SUCCESS", "");
  ASSERT_EQ(Problem(In()), "");
  EXPECT_EQ(Table(), "a:int64 extra:string \n1|null|\n2|kept|");
  EXPECT_SAYS(Report(), "column 'extra' is missing from part-0.parquet; it is null there");
  EXPECT_SAYS(Report(), "2 parts");
}

TEST_F(SeveralParts, APartWithoutAValueTakesTheTypeOfTheOthers) {
  Part("part-0.parquet",
       arrow::RecordBatch::Make(arrow::schema({arrow::field("city", arrow::null())}), 1,
                                {std::make_shared<arrow::NullArray>(1)}));
  Part("part-1.parquet", {arrow::field("city", kText)}, R"([["Rome"]])");
  ASSERT_EQ(Problem(In()), "");
  EXPECT_EQ(Table(), "city:string \nnull|\nRome|");
}

TEST_F(SeveralParts, IntegersMeetFloatsWhereEachIsKept) {
  Part("part-0.parquet", {arrow::field("x", kInt)}, "[[9007199254740992]]");
  Part("part-1.parquet", {arrow::field("x", arrow::float64())}, "[[0.5]]");
  ASSERT_EQ(Problem(In()), "");
  EXPECT_EQ(SchemaOut().columns[0].type, "float64");
  Part("part-0.parquet", {arrow::field("x", kInt)}, "[[1], [9007199254740993]]");
  EXPECT_SAYS(Problem(In()),
              "part-0.parquet: column 'x': row 2: '9007199254740993' (int64) "
              "cannot be kept as float64");
}

TEST_F(SeveralParts, TypesThatDoNotMeetAreRefusedWithColumnPartsAndTypes) {
  Part("part-0.parquet", {arrow::field("x", kInt)}, "[[1]]");
  Part("part-1.parquet", {arrow::field("x", kText)}, R"([["a"]])");
  EXPECT_SAYS(Problem(In()), "part-1.parquet: column 'x': is string, and int64 in part-0.parquet");
  ASSERT_EQ(Problem(In(), {{"types", {{"x", "string"}}}}), "");
  EXPECT_EQ(Table(), "x:string \n1|\na|");
}

TEST_F(SeveralParts, ATypeOfAnotherProgramIsSaidWhereItsNumbersAreKept) {
  const auto metadata = arrow::key_value_metadata({"ARROW:extension:name"}, {"pandas.period"});
  const auto batch = BatchOf({arrow::field("month", kInt)}, "[[648]]");
  Part("part-0.parquet",
       arrow::RecordBatch::Make(arrow::schema({arrow::field("month", kInt, true, metadata)}), 1,
                                batch->columns()));
  ASSERT_EQ(Problem(In()), "");
  EXPECT_SAYS(Report(),
              "column 'month': what stands for a pandas.period is kept as it is stored, int64");
}

// Arrow writes neither of these types, and reads both as bytes.
void WriteBytes(const std::string& path, const std::shared_ptr<const parquet::LogicalType>& type,
                const std::string& value) {
  const auto leaf = parquet::schema::PrimitiveNode::Make("x", parquet::Repetition::REQUIRED, type,
                                                         parquet::Type::FIXED_LEN_BYTE_ARRAY,
                                                         static_cast<int>(value.size()));
  const auto root = std::static_pointer_cast<parquet::schema::GroupNode>(
      parquet::schema::GroupNode::Make("schema", parquet::Repetition::REQUIRED, {leaf}));
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer = parquet::ParquetFileWriter::Open(file, root);
  auto* column =
      static_cast<parquet::FixedLenByteArrayWriter*>(writer->AppendRowGroup()->NextColumn());
  const parquet::FixedLenByteArray bytes(reinterpret_cast<const std::uint8_t*>(value.data()));
  column->WriteBatch(1, nullptr, nullptr, &bytes);
  writer->Close();
}

TEST_F(SeveralParts, AnIntervalOfParquetIsNotTwelveBytes) {
  WriteBytes(folder_ / "i.parquet", parquet::LogicalType::Interval(), std::string(12, '\1'));
  EXPECT_SAYS(Problem(folder_ / "i.parquet"),
              "column 'x': is a month_day_nano_interval, and datasets have no such columns: write "
              "it as a number or a text, or leave it out");
}

TEST_F(SeveralParts, AUuidOfParquetThatIsKeptAsBytesIsSaid) {
  WriteBytes(folder_ / "u.parquet", parquet::LogicalType::UUID(), "0123456789abcdef");
  ASSERT_EQ(Problem(folder_ / "u.parquet"), "");
  EXPECT_EQ(Table(), "x:binary \n0123456789abcdef|");
  EXPECT_SAYS(Report(), "column 'x': what stands for a arrow.uuid is kept as it is stored, binary");
}

TEST_F(SeveralParts, FiveSecondsDoNotMeetFiveThousandMilliseconds) {
  const auto seconds = arrow::duration(arrow::TimeUnit::SECOND);
  const auto millis = arrow::duration(arrow::TimeUnit::MILLI);
  EXPECT_TRUE(Meets(*seconds, *seconds));
  EXPECT_FALSE(Meets(*seconds, *millis));
  EXPECT_FALSE(Meets(*kInt, *seconds));
  Stored("part-0.parquet", seconds, "[[5]]");
  Stored("part-1.parquet", millis, "[[5000]]");
  EXPECT_SAYS(Problem(In()), "column 'x': is duration[ms], and duration[s] in part-0.parquet");
  EXPECT_SAYS(Problem(In(), {{"types", {{"x", "int64"}}}}), "is duration[ms], and duration[s]");
  std::filesystem::remove(folder_ / "in/part-0.parquet");
  const std::string given = "version: 1\ncolumns:\n- {name: x, type: int64, unit: ";
  EXPECT_SAYS(Problem(In(), Json::object(), Write("s.yaml", given + "s}\n")),
              "column 'x': is duration[ms], and the given schema says int64 in s");
  ASSERT_EQ(Problem(In(), Json::object(), Write("s.yaml", given + "ms}\n")), "");
  EXPECT_EQ(Table(), "x:int64 \n5000|");
}

TEST_F(SeveralParts, OneTimeOfDayIsNotTwoTexts) {
  Stored("part-0.parquet", arrow::time64(arrow::TimeUnit::NANO), "[[1000]]");
  Stored("part-1.parquet", arrow::time64(arrow::TimeUnit::MICRO), "[[1]]");
  EXPECT_SAYS(Problem(In()), "column 'x': is time64[us], and time64[ns] in part-0.parquet");
}

TEST_F(SeveralParts, AGivenSchemaMakesNoMomentOfATimeWithoutAZone) {
  Stored("part-0.parquet", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[[1]]");
  Stored("part-1.parquet", arrow::timestamp(arrow::TimeUnit::MICRO), "[[1]]");
  const auto given = Write("s.yaml", "version: 1\ncolumns:\n- {name: x, type: timestamp}\n");
  EXPECT_SAYS(Problem(In(), Json::object(), given), "no type keeps every value of both");
  ASSERT_EQ(Problem(In(), {{"types", {{"x", "timestamp"}}}}), "");
}

TEST_F(SeveralParts, TimesWithAndWithoutAZoneDoNotMeet) {
  EXPECT_FALSE(Meets(*arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                     *arrow::timestamp(arrow::TimeUnit::MICRO)));
  EXPECT_TRUE(Meets(*arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                    *arrow::timestamp(arrow::TimeUnit::NANO, "Asia/Seoul")));
}

TEST_F(SeveralParts, DecimalsWidenUntilNoDigitIsLost) {
  const auto wider = Wider(arrow::decimal128(10, 2), arrow::decimal128(12, 6));
  ASSERT_NE(wider, nullptr);
  EXPECT_EQ(wider->ToString(), "decimal128(14, 6)");
  EXPECT_EQ(Wider(arrow::decimal128(10, 2), kInt)->ToString(), "decimal128(21, 2)");
  EXPECT_EQ(Wider(arrow::decimal128(10, 2), arrow::float64()), nullptr);
  EXPECT_EQ(Wider(kText, kInt), nullptr);
  EXPECT_EQ(Wider(arrow::boolean(), kInt), nullptr);
}

TEST_F(SeveralParts, NamesThatCannotBeToldApartAreSaid) {
  Part("part-0.parquet", {arrow::field("id", kInt), arrow::field("ID", kInt)}, "[[1, 2]]");
  ASSERT_EQ(Problem(In()), "");
  EXPECT_SAYS(Report(), "columns 'id' and 'ID' differ by case only");
  Part("part-0.parquet", {arrow::field("x", kInt), arrow::field("x", kInt)}, "[[1, 2]]");
  EXPECT_SAYS(Problem(In()), "column 'x' stands twice");
  Part("part-0.parquet", {arrow::field("", kInt)}, "[[1]]");
  EXPECT_SAYS(Problem(In()), "column 1 has no name");
  Part("part-0.parquet", {arrow::field("caf\xE9", kInt)}, "[[1]]");
  EXPECT_SAYS(Problem(In()), "its name 'caf?' is no UTF-8");
}

TEST_F(SeveralParts, PartitionsByFolderAndMixedFormatsAreRefusedByName) {
  Part("part-0.parquet", {arrow::field("a", kInt)}, "[[1]]");
  Write("in/b.csv", "a\n2\n");
  EXPECT_SAYS(Problem(In()), "b.csv is CSV, part-0.parquet is Parquet");
  std::filesystem::remove(folder_ / "in/b.csv");
  Write("in/country=DE/part-0.parquet", "x");
  EXPECT_SAYS(Problem(In()), "country=DE: a folder within the folder");
}

class GivenSchema : public IngestFiles {
 protected:
  std::string Given(const std::string& columns) {
    return Write("given.yaml", "version: 1\ncolumns:\n" + columns);
  }
};

TEST_F(GivenSchema, OfAnEarlierRunReadsTheNextFileTheSameWay) {
  ASSERT_EQ(Problem(Write("day1.csv", "zip,n,d\nA1,1,2024-01-01\n,2,2024-01-02\n"),
                    {{"roles", {{"n", "label"}}}}),
            "");
  std::filesystem::rename(folder_ / "_schema.yaml", folder_ / "day1.yaml");
  const std::string first = *ReadFile(folder_ / "day1.yaml");
  EXPECT_SAYS(first, "{name: \"n\", type: int64, nullable: false, role: label}");
  EXPECT_EQ(first, *ReadFile(folder_ / "out/_schema.yaml"));
  // Digits only: without the schema this zip would be a number.
  ASSERT_EQ(Problem(Write("day2.csv", "zip,n,d\n02138,7,2024-01-03\n"), Json::object(),
                    folder_ / "day1.yaml"),
            "");
  EXPECT_SAYS(Table(), "zip:string n:int64");
  EXPECT_SAYS(Table(), "\n02138|7|");
  EXPECT_EQ(*ReadFile(folder_ / "_schema.yaml"), first);
}

TEST_F(GivenSchema, RefusesAFileThatDiffersByColumnRowAndValue) {
  const std::string given = Given(
      "- {name: n, type: int64, nullable: false, domain: {minimum: 0, maximum: 9}}\n"
      "- {name: c, type: string, domain: [a, b]}\n");
  const auto problem = [&](const std::string& csv) {
    return Problem(Write("x.csv", csv), Json::object(), given);
  };
  EXPECT_EQ(problem("n,c\n1,a\n"), "");
  EXPECT_SAYS(problem("n,c\n1,a\nNA,b\n"), "column 'n': row 2: null");
  EXPECT_SAYS(problem("n,c\n1,a\n10,b\n"), "column 'n': row 2: '10' is outside the domain");
  EXPECT_SAYS(problem("n,c\n1,x\n"), "column 'c': row 1: 'x' is outside the domain [\"a\",\"b\"]");
  EXPECT_SAYS(problem("n,c,more\n1,a,2\n"), "column 'more' of the file is not in the given schema");
  EXPECT_SAYS(problem("n,c\n1.5,a\n"), "'n'");
  const std::string json = Write("x.jsonl", "{\"n\": \"1\", \"c\": \"a\"}\n{\"n\": \"x\"}\n");
  EXPECT_SAYS(Problem(json, Json::object(), given),
              "column 'n': row 2: 'x' (string) cannot be "
              "kept as int64");
}

TEST_F(GivenSchema, HoldsParquetToItsTypesAndTakesBytesThatAreText) {
  EXPECT_SAYS(Problem(TestData("types.parquet"), {{"columns", {"cat"}}},
                      Given("- {name: cat, type: int64}\n")),
              "column 'cat': is dictionary<values=string");
  ASSERT_EQ(
      Problem(TestData("types.parquet"), {{"columns", {"fixed", "u8"}}},
              Given("- {name: fixed, type: string, role: id}\n- {name: u8, type: float64}\n")),
      "");
  EXPECT_EQ(Table(), "fixed:string u8:float64 \nab|200|\ncd|null|");
  EXPECT_EQ(SchemaOut().columns[0].role, sdk::Role::kId);
  EXPECT_SAYS(Problem(TestData("types.parquet"), {{"columns", {"bin"}}},
                      Given("- {name: bin, type: string}\n")),
              "column 'bin': row 1: ");
}

TEST_F(GivenSchema, MakesDatesAndDecimalsOfACsvsText) {
  ASSERT_EQ(Problem(Write("x.csv", "d,p\n2024-02-29,1.50\n,\n"), Json::object(),
                    Given("- {name: d, type: date}\n- {name: p, type: 'decimal(10,2)'}\n")),
            "");
  EXPECT_EQ(Table(), "d:date p:decimal(10,2) \n2024-02-29|1.50|\nnull|null|");
}

TEST_F(GivenSchema, OfAModelIsItsSignature) {
  Write("model/model.yaml",
        "formatVersion: 1\nname: m\ntask: regression\nbackend: torchscript\nfile: model.ts\n"
        "inputs:\n- {name: zip, type: string, nullable: true}\nfeatures: 1\n"
        "outputs:\n- {name: prediction, type: float32, shape: [-1]}\n");
  ASSERT_EQ(Problem(Write("x.csv", "zip\n02138\n"), Json::object(), folder_ / "model"), "");
  EXPECT_EQ(Table(), "zip:string \n02138|");
}

TEST_F(GivenSchema, SaysWhatWasMeantByAMistypedColumnTypeOrRole) {
  const std::string csv = Write("x.csv", "carrier,late\nUA,1\n");
  EXPECT_SAYS(Problem(csv, {{"roles", {{"lat", "label"}}}}), "did you mean \"late\"?");
  EXPECT_SAYS(Problem(csv, {{"roles", {{"late", "labl"}}}}), "did you mean \"label\"?");
  EXPECT_SAYS(Problem(TestData("types.parquet"), {{"columns", {"prce"}}}),
              "did you mean \"price\"?");
  EXPECT_SAYS(Problem(csv, {{"types", {{"late", "int"}}}}), "type 'int' is none of");
}

}  // namespace
}  // namespace penstock::ingest
