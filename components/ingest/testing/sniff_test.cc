#include "components/ingest/sniff.h"

#include <gtest/gtest.h>

#include "components/ingest/testing/ingest_fixture.h"
#include "components/ingest/testing/packed.h"

namespace penstock::ingest {
namespace {

class Sniffed : public IngestFiles {};

TEST_F(Sniffed, WhatIsNoTableIsRefusedByItsNameAndNeverReadAsOneColumn) {
  using std::string_literals::operator""s;
  const std::map<std::string, std::pair<std::string, std::string>> cases = {
      {"login.csv", {"\n <!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "an HTML page"}},
      {"error.csv",
       {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>\n", "an XML document"}},
      {"lfs.csv",
       {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a Git LFS pointer"}},
      {"rows.json", {"[{\"a\": 1}, {\"a\": 2}]\n", "a JSON array"}},
      {"config.json", {"{\n  \"a\": 1\n}\n", "a JSON document over several lines"}},
      {"paper.pdf", {"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n", "a PDF document"}},
      {"data.db", {"SQLite format 3\0\x10\0\1\1"s, "an SQLite database"}},
      {"old.xls", {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"s, "an old Excel workbook"}},
      {"v1.feather", {"FEA1\0\0\0\0"s, "a Feather file of version 1"}},
      {"x.bz2", {"BZh91AY&SY", "packed with bzip2"}},
      {"x.xz",
       {"\xFD"
        "7zXZ\0\0\4"s,
        "packed with xz"}},
      {"x.csv.gz.gz", {Gzip(Gzip("a,b\n1,2\n")), "packed twice"}},
      {"model.pkl", {"\x80\x04\x95\x10\0\0\0"s, "a pickle"}},
      {"noise.bin", {"\1\2\0\3\4\5\0\6\7a\x10"s, "binary data of a kind that is not known"}},
      {"cut.parquet", {"PAR1\x15\x04\x15\x10\x15\x14", "a Parquet file that is not whole"}},
  };
  for (const auto& [name, expected] : cases) {
    EXPECT_SAYS(Problem(Write(name, expected.first)), expected.second);
  }
}

TEST_F(Sniffed, AHeadingInAngleBracketsOrBracesIsStillACsv) {
  for (const char* csv : {"<DATE>,<OPEN>\n2024-01-02,1.5\n", "[a],[b]\n1,2\n", "{id},x\n1,2\n"}) {
    EXPECT_EQ(Problem(Write("in.csv", csv)), "") << csv;
  }
}

std::string Utf16(const std::string& text) {
  std::string out;
  for (const char c : text) out += {c, '\0'};
  return out;
}

TEST_F(Sniffed, TextOfTwoBytesACharacterIsWhatItIsInOneByte) {
  const std::string mark = "\xFF\xFE", lines = Utf16("{\"a\": 1}\n{\"a\": 2}\n");
  ASSERT_EQ(Problem(Write("x", mark + lines)), "");
  EXPECT_EQ(Table(), "a:int64 \n1|\n2|");
  EXPECT_EQ(ResultOf("format"), "JSON Lines");
  EXPECT_SAYS(Problem(Write("x", mark + Utf16("<!DOCTYPE html><html>\n"))), "an HTML page");
  for (const Json& parameters :
       {Json{{"encoding", "utf-16le"}}, Json{{"encoding", "UTF-16LE"}, {"format", "jsonl"}}}) {
    ASSERT_EQ(Problem(Write("x", lines), parameters), "");
    EXPECT_EQ(Table(), "a:int64 \n1|\n2|");
  }
  ASSERT_EQ(Problem(Write("x", Utf16("a,b\n1,x\n")), {{"encoding", "utf-16le"}}), "");
  EXPECT_EQ(Table(), "a:int64 b:string \n1|x|");
  ASSERT_EQ(Problem(TestData("polars.parquet"), {{"encoding", "utf-16le"}}), "");
}

TEST_F(Sniffed, AWrongFormatIsNamedByWhatTheBytesAre) {
  EXPECT_SAYS(Problem(Write("x", "a,b\n1,2\n"), {{"format", "parquet"}}),
              "not those of Parquet but of CSV");
  EXPECT_SAYS(Problem(TestData("types.parquet"), {{"format", "csv"}}),
              "not those of CSV but of Parquet");
  EXPECT_SAYS(Problem(Write("x", "<html></html>"), {{"format", "arrow"}}), "an HTML page");
}

TEST_F(Sniffed, GzipReadsAllMembersAndZerosBehindThem) {
  const std::string members = Gzip("a,b\n1,x\n") + Gzip("2,y\n");
  ASSERT_EQ(Problem(Write("x.gz", members + std::string(512, '\0'))), "");
  EXPECT_EQ(Table(), "a:int64 b:string \n1|x|\n2|y|");
  EXPECT_EQ(ResultOf("compression"), "gzip");
  EXPECT_SAYS(Problem(Write("x.gz", members + "trailing")), "something that is no gzip");
  EXPECT_SAYS(Problem(Write("x.gz", members.substr(0, members.size() - 9))),
              "the file ends before its data does");
  std::string damaged = members;
  damaged[damaged.size() - 5] ^= 1;  // of the checksum or the size
  EXPECT_SAYS(Problem(Write("x.gz", damaged)), "the file is damaged");
}

}  // namespace
}  // namespace penstock::ingest
