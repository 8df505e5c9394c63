// What a person says of types, by the parameter types or a schema: each value is held or refused.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "components/ingest/testing/ingest_fixture.h"
#include "components/sdk/arrow_types.h"

namespace penstock::ingest {
namespace {

class ToldTypes : public IngestFiles {
 protected:
  // A Parquet file of one column x of `values`.
  std::string Parquet(const std::shared_ptr<arrow::DataType>& type, const std::string& values) {
    return Parquet(sdk::BatchOf({arrow::field("x", type)}, values));
  }
  std::string Parquet(const std::shared_ptr<arrow::RecordBatch>& batch) {
    const auto file = arrow::io::FileOutputStream::Open(folder_ / "x.parquet").ValueOrDie();
    const auto table = arrow::Table::FromRecordBatches({batch}).ValueOrDie();
    EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file).ok());
    EXPECT_TRUE(file->Close().ok());
    return folder_ / "x.parquet";
  }
  // As the parameter types and as a schema say it.
  std::string Told(const std::string& source, const std::string& type) {
    const std::string by_types = Problem(source, {{"types", {{"x", type}}}});
    Write("s.yaml", "version: 1\ncolumns:\n- {name: x, type: \"" + type + "\"}\n" + others_);
    const std::string by_schema = Problem(source, Json::object(), folder_ / "s.yaml");
    EXPECT_EQ(by_types.empty(), by_schema.empty()) << by_types << "\n" << by_schema;
    return by_types;
  }
  std::string others_;  // columns of the schema
};

TEST_F(ToldTypes, ADateDropsNoTimeOfDay) {
  const auto times = arrow::timestamp(arrow::TimeUnit::MICRO);
  EXPECT_SAYS(Told(Parquet(times, R"([["2024-01-05 00:00:00"], ["2024-01-05 10:30:00"]])"), "date"),
              "row 2: '2024-01-05 10:30:00.000000' (timestamp[us]) cannot be kept as date");
  ASSERT_EQ(Told(Parquet(times, R"([["2024-01-05 00:00:00"], [null]])"), "date"), "");
  EXPECT_EQ(Table(), "x:date \n2024-01-05|\nnull|");
}

TEST_F(ToldTypes, ADecimalRoundsNoFraction) {
  EXPECT_SAYS(Told(Parquet(arrow::float64(), "[[0.1], [0.126]]"), "decimal(10,2)"),
              "row 2: '0.126' (double) cannot be kept as decimal(10,2)");
  ASSERT_EQ(Told(Parquet(arrow::float64(), "[[0.3], [-12.35], [null]]"), "decimal(10,2)"), "");
  EXPECT_EQ(Table(), "x:decimal(10,2) \n0.30|\n-12.35|\nnull|");
  EXPECT_SAYS(Told(Write("x.jsonl", "{\"x\": 0.126}\n"), "decimal(10,2)"), "cannot be kept");
  ASSERT_EQ(Told(Parquet(arrow::int64(), "[[7], [-1700000000]]"), "decimal(12,2)"), "");
  EXPECT_EQ(Table(), "x:decimal(12,2) \n7.00|\n-1700000000.00|");
  EXPECT_SAYS(Told(Parquet(arrow::int64(), "[[7], [17000000000]]"), "decimal(12,2)"), "row 2");
}

TEST_F(ToldTypes, ADecimalIsTheNearestDoubleWhereItIsComputedWith) {
  const auto texts = sdk::BatchOf({arrow::field("x", arrow::utf8())},
                                  R"([["0.30"], ["0.47"], ["-56830.77"], [null]])");
  const auto type = arrow::decimal128(10, 2);
  const auto decimals =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("x", type)}), 4,
                               {sdk::ToStored(texts->column(0), type, 1).value()});
  const auto reals = sdk::Canonical(decimals);
  ASSERT_TRUE(reals) << reals.error().message;
  const auto& x = static_cast<const arrow::DoubleArray&>(*(*reals)->column(0));
  EXPECT_EQ(x.Value(0), 0.3);
  EXPECT_EQ(x.Value(1), 0.47);
  EXPECT_EQ(x.Value(2), -56830.77);
  EXPECT_TRUE(x.IsNull(3));
}

TEST_F(ToldTypes, ABooleanIsNoOtherNumberThanZeroAndOne) {
  const std::string source = Parquet(arrow::int64(), "[[0], [1], [7]]");
  EXPECT_SAYS(Problem(source, {{"types", {{"x", "bool"}}}}), "row 3: '7' (int64) cannot be kept");
  ASSERT_EQ(Problem(Parquet(arrow::int64(), "[[0], [1]]"), {{"types", {{"x", "bool"}}}}), "");
  EXPECT_EQ(Table(), "x:bool \nfalse|\ntrue|");
}

TEST_F(ToldTypes, AnIntegerIsNoTimeAsNothingSaysItsUnit) {
  const Json time = {{"types", {{"x", "timestamp"}}}}, integer = {{"types", {{"x", "int64"}}}};
  EXPECT_SAYS(Problem(Parquet(arrow::int64(), "[[1700000000]]"), time), "cannot be kept as");
  const auto seconds = arrow::timestamp(arrow::TimeUnit::MILLI);
  EXPECT_SAYS(Problem(Parquet(seconds, R"([["2024-01-05 10:30:00"]])"), integer), "cannot be kept");
}

TEST_F(ToldTypes, NanosecondsAreCutBefore1970AsTheyAreLater) {
  const auto nanos = arrow::timestamp(arrow::TimeUnit::NANO);
  const auto integers =
      sdk::BatchOf({arrow::field("x", arrow::int64())}, "[[-1], [1999], [null]]")->column(0);
  const auto source = Parquet(arrow::RecordBatch::Make(arrow::schema({arrow::field("x", nanos)}), 3,
                                                       {integers->View(nanos).ValueOrDie()}));
  ASSERT_EQ(Told(source, "timestamp"), "");
  EXPECT_EQ(Table(),
            "x:timestamp \n1969-12-31 23:59:59.999999|\n1970-01-01 00:00:00.000001|\nnull|");
}

TEST_F(ToldTypes, ADictionaryOfViewsIsWhatItStandsForAndARefusedValueIsShown) {
  const auto views = std::make_shared<arrow::StringViewBuilder>();
  ASSERT_TRUE(views->Append("red").ok());
  ASSERT_TRUE(views->Append("7").ok());
  const auto indices = sdk::BatchOf({arrow::field("i", arrow::int64())}, "[[1], [0], [null]]");
  const auto array =
      arrow::DictionaryArray::FromArrays(arrow::dictionary(arrow::int64(), arrow::utf8_view()),
                                         indices->column(0), views->Finish().ValueOrDie())
          .ValueOrDie();
  const auto text = sdk::ToStored(array, arrow::utf8(), 1);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ((*text)->ToString(), "[\n  \"7\",\n  \"red\",\n  null\n]");
  EXPECT_SAYS(sdk::ToStored(array, arrow::int64(), 1).error().message, "row 2: 'red' (dictionary");
}

TEST_F(ToldTypes, ATextBeyondADoubleIsNotInfinityNorZero) {
  for (const char* text : {"1e400", "-1e400", "1e-400"}) {
    const auto source = Write("x.jsonl", "{\"x\": \"" + std::string(text) + "\"}\n");
    EXPECT_SAYS(Told(source, "float64"), "cannot be kept as float64");
  }
  ASSERT_EQ(Told(Write("x.jsonl", "{\"x\": \"0.0\"}\n{\"x\": \"inf\"}\n"), "float64"), "");
  EXPECT_EQ(Table(), "x:float64 \n0|\ninf|");
}

TEST_F(ToldTypes, AnIntegerOfJsonIsTextWhereASchemaSaysSo) {
  const auto source = Write("x.jsonl", "{\"x\": 18446744073709551615}\n{\"x\": \"a\"}\n");
  ASSERT_EQ(Told(source, "string"), "");
  EXPECT_EQ(Table(), "x:string \n18446744073709551615|\na|");
}

TEST_F(ToldTypes, WhatIsNoDateOfACsvIsABadRowAndNothingIsNull) {
  others_ = "- {name: n, type: int64}\n";
  const std::string text = "x,n\n2024-01-05,1\n\"\",2\n NA,3\n 2024-01-06 ,4\n2024-02-30,5\n";
  EXPECT_SAYS(Told(Write("x.csv", text), "date"),
              "CSV line 6, column 'x': '2024-02-30' is no date");
  ASSERT_EQ(Told(Write("x.csv", text.substr(0, text.find("2024-02-30"))), "date"), "");
  EXPECT_EQ(Table(), "x:date n:int64 \n2024-01-05|1|\nnull|2|\nnull|3|\n2024-01-06|4|");
  EXPECT_SAYS(Told(Write("x.csv", "x,n\n1.5,1\n1.55,2\n"), "decimal(5,1)"),
              "CSV line 3, column 'x': '1.55' is no decimal(5,1)");
}

}  // namespace
}  // namespace penstock::ingest
