#include <gtest/gtest.h>

#include "components/ingest/testing/ingest_fixture.h"
#include "operator/base/file.h"

namespace penstock::ingest {
namespace {

class Formats : public IngestFiles {};

const char* const kCities = "n:int64 city:string \n1|Rome|\n2|null|\n4|Bonn|";

TEST_F(Formats, OneFrameIsOneTableHoweverPandasAndPolarsWriteIt) {
  for (const char* name :
       {"pandas_index.parquet", "pandas_index.parquet.gz", "pandas.feather", "pandas.jsonl",
        "polars.parquet", "polars.arrow", "polars_stream.arrow"}) {
    EXPECT_EQ(Problem(TestData(name)), "") << name;
    EXPECT_EQ(Table(), kCities) << name;
  }
}

TEST_F(Formats, AZipOfTwoTablesAndAWorkbookAreRefusedByName) {
  EXPECT_SAYS(Problem(TestData("two.zip")), "this one holds 2: 'a.csv', 'notes/README.txt'");
  EXPECT_SAYS(Problem(TestData("book.xlsx")), "this is a workbook or document");
}

TEST_F(Formats, PandasIndexIsLeftOutAndSaid) {
  ASSERT_EQ(Problem(TestData("pandas_index.parquet")), "");
  EXPECT_SAYS(Report(), "column '__index_level_0__' is pandas' index: left out");
  EXPECT_SAYS(Report(), "Parquet, compression: none. 3 rows, 2 columns.");
  EXPECT_SAYS(Report(), "| city | string | feature |  | 1 |");
  EXPECT_EQ(ResultOf("format"), "Parquet");
  ASSERT_EQ(Problem(TestData("pandas_index.parquet"), {{"columns", {"__index_level_0__"}}}), "");
  EXPECT_EQ(Table(), "__index_level_0__:int64 \n0|\n1|\n3|");
}

TEST_F(Formats, Int96KeepsTheYear9999AndTheYear1582) {
  ASSERT_EQ(Problem(TestData("int96.parquet")), "");
  EXPECT_EQ(Table(),
            "t:timestamp \n9999-12-31 00:00:00.000000|\n1582-10-15 00:00:00.000000|\nnull|");
}

TEST_F(Formats, TimesKeepTheirMomentAndSayWhatBecomesOfThem) {
  ASSERT_EQ(Problem(TestData("times.parquet")), "");
  EXPECT_EQ(Table(),
            "ns:timestamp zoned:timestamp ms:timestamp far:date tod:string dur:int64 \n"
            "2022-12-31 23:59:59.999999|2022-12-31 23:59:59.999999|2022-12-31 23:59:59.999000|"
            "9999-12-31|12:30:00.000000|3600000|");
  EXPECT_EQ(SchemaOut().Find("dur")->unit, "ms");
  for (const char* note : {"'ns': nanoseconds are cut", "'zoned': times of the zone Asia/Tokyo",
                           "'tod': times of day are kept as text", "int64, in ms"}) {
    EXPECT_SAYS(Report(), note);
  }
}

TEST_F(Formats, EveryLogicalTypeHasItsMeaning) {
  ASSERT_EQ(Problem(TestData("types.parquet")), "");
  EXPECT_EQ(Table(),
            "u8:int64 u32:int64 u64:int64 half:float64 cat:string bin:binary fixed:binary "
            "lst:list<int64> price:decimal(22,2) nul:string nan:float64 big:string \n"
            "200|3000000000|9223372036854775807|1.5|a|" +
                std::string("\xFF\0", 2) +
                "|ab|list<element: int64>[1, 2]|"
                "12345678901234567890.12|null|nan|x|\n"
                "null|1|1|65504|b|x|cd|null|null|null|inf|y|");
  EXPECT_SAYS(Report(), "column 'nul' has no value; it is kept as string");
}

TEST_F(Formats, AnUnsignedIdBeyondInt64IsRefusedByColumnRowAndValueAndKeptAsText) {
  EXPECT_SAYS(Problem(TestData("u64.parquet")), "column 'id': row 2: '18446744073709551615'");
  EXPECT_SAYS(Problem(TestData("u64.parquet")), "types: {id: string} keeps it as it is written");
  ASSERT_EQ(Problem(TestData("u64.parquet"), {{"types", {{"id", "string"}}}}), "");
  EXPECT_EQ(Table(), "id:string \n1|\n18446744073709551615|");
}

TEST_F(Formats, NestedColumnsAreRefusedByNameOrLeftOut) {
  EXPECT_SAYS(Problem(TestData("nested.parquet")), "column 'st': is a struct<x: int64>");
  ASSERT_EQ(Problem(TestData("nested.parquet"), {{"columns", {"a"}}}), "");
  EXPECT_EQ(Table(), "a:int64 \n1|");
}

TEST_F(Formats, ATruncatedFileIsRefusedWhateverItsFormat) {
  const std::map<std::string, std::string> cases = {
      {"types.parquet", "a Parquet file that is not whole"},
      {"polars.arrow", "an Arrow file that is not whole"},
      {"pandas_index.parquet.gz", "the file ends before its data does"}};
  for (const auto& [name, expected] : cases) {
    const std::string bytes = *ReadFile(TestData(name));
    EXPECT_SAYS(Problem(Write("cut", bytes.substr(0, bytes.size() - 20))), expected);
  }
}

TEST_F(Formats, JsonLinesKeepTextsNumbersAndListsAsTheyAre) {
  ASSERT_EQ(Problem(Write("x.jsonl",
                          "\xEF\xBB\xBF{\"zip\": \"02138\", \"n\": 1, \"tags\": [\"a\"]}\r\n\n"
                          "{\"n\": 2.5, \"ok\": true, \"zip\": null}\n{}")),
            "");
  EXPECT_EQ(Table(),
            "zip:string n:float64 tags:list<string> ok:bool \n"
            "02138|1|list<element: string>[a]|null|\nnull|2.5|null|true|\nnull|null|null|null|");
}

TEST_F(Formats, JsonLinesNameTheLineOfWhatIsNoTable) {
  const std::map<std::string, std::string> cases = {
      {"{\"a\": 1}\n{\"a\": \"x\"}\n", "column 'a': an integer in line 1 and a text in line 2"},
      {"{\"a\": 1}\n[1]\n", "line 2: is a list, and each line must be an object"},
      {"{\"a\": 1}\n{\"a\": 1,}\n", "line 2: byte 9: this is no JSON"},
      {std::string("{\"a\": 1}\0, \"b\": 2}\n", 19), "line 1: byte 9: is zero"},
      {"{\"a\": NaN}\n", "this is no JSON, which has no NaN and no Infinity; write null"},
      {"{\"a\": -Infinity}\n", "this is no JSON, which has no NaN and no Infinity; write null"},
      {"{\"a\": 1e400}\n", "a number beyond float64; write it as a text"},
      {"{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n", "line 2: the key 'a' stands twice"},
      {"{\"a\": \"caf\xE9\"}\n", "line 1: this is no UTF-8"},
      {"{\"a\": {\"b\": 1}}\n", "column 'a': an object in line 1"},
      {"{\"a\": 1}\n{\"a\": 18446744073709551616}\n", "18446744073709551616 in line 2 is beyond"},
      {"{\"a\": 0.5}\n{\"a\": 9007199254740993}\n", "line 2: column 'a': 9007199254740993 is an"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_SAYS(Problem(Write("x.jsonl", text)), expected);
  }
  ASSERT_EQ(
      Problem(Write("x.jsonl", "{\"a\": 18446744073709551616}\n{\"a\": 1.50}\n{\"a\": \"x\"}"),
              {{"types", {{"a", "string"}}}}),
      "");
  EXPECT_EQ(Table(), "a:string \n18446744073709551616|\n1.50|\nx|");
}

}  // namespace
}  // namespace penstock::ingest
