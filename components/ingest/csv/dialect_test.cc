#include "components/ingest/csv/dialect.h"

#include <gtest/gtest.h>

#include "components/ingest/csv/testing/read_text.h"

namespace penstock::ingest {
namespace {

Json Seen(const std::string& text) {
  const auto read = ReadText(text);
  return read ? DialectJson(read->report.dialect) : Json(read.error().message);
}

TEST(Dialect, SeesTheDelimiter) {
  EXPECT_EQ(Seen("a,b\n1,x\n")["delimiter"], ",");
  EXPECT_EQ(Seen("a;b\n1;x\n")["delimiter"], ";");
  EXPECT_EQ(Seen("a\tb\n1\tx\n")["delimiter"], "\\t");
  EXPECT_EQ(Seen("a|b\n1|x\n")["delimiter"], "|");
  EXPECT_EQ(Seen("a;b\n1,5;x\n2,5;y\n")["delimiter"], ";");
  EXPECT_EQ(Seen("a,b\n1;2,3;4\n")["delimiter"], ",");
  EXPECT_EQ(Seen("a\n1\n2\n")["delimiter"], ",");
  EXPECT_EQ(Seen("name;text\nx;\"a, b\"\ny;\"c, d\"\n")["delimiter"], ";");
}

TEST(Dialect, DecidesByARuleWhatFitsEquallyAndSaysSo) {
  const Json two = Seen("a;b,c\n1;2,3\n");
  EXPECT_EQ(two["delimiter"], ",") << "the earlier one of , ; tab |";
  EXPECT_EQ(two["delimitersThatFitToo"], Json({";"}));
  const Json more = Seen("a,b;c;d\n1,2;3;4\n");
  EXPECT_EQ(more["delimiter"], ";") << "that of more columns";
  EXPECT_EQ(more["delimitersThatFitToo"], Json({","}));
  EXPECT_FALSE(Seen("a,b\n1,2\n").contains("delimitersThatFitToo"));
}

TEST(Dialect, SeesQuotesAndEscapes) {
  EXPECT_EQ(Seen("a,b\n\"1\",x\n")["quote"], "\"");
  EXPECT_EQ(Seen("id,note,v\n1,'a,b',10\n2,'c',20\n")["quote"], "'");
  EXPECT_EQ(ReadText("id,note,v\n1,'a,b',10\n2,'c',20\n")->Cells(), "1|a,b|10;2|c|20");
  EXPECT_EQ(Seen("a,b\n1,'tis\n2,don't\n")["quote"], "\"");
  EXPECT_EQ(Seen("a,b\n1,\"x\"\"y\"\n")["escape"], "doubled");
  EXPECT_EQ(Seen("a,b\n1,\"x\\\"y\"\n")["escape"], "backslash");
}

TEST(Dialect, SeesAHeaderUnlessNoValueCouldBeAName) {
  EXPECT_EQ(ReadText("1,2.5\n3,4.5\n")->Cells(), "1|2.5;3|4.5");
  EXPECT_EQ(ReadText("1,2.5\n3,4.5\n")->Types(), "f0:int64 f1:double");
  EXPECT_EQ(Seen("1,2.5\n3,4.5\n")["header"], false);
  EXPECT_EQ(Seen("2024-01-05,1\n2024-01-06,2\n")["header"], false);
  EXPECT_EQ(Seen("country,2019,2020\nKR,1,2\n")["header"], true);
  EXPECT_EQ(Seen("1,x\n2,y\n")["header"], true);
  EXPECT_EQ(Seen("1,2\n3,x\n")["header"], true);
  EXPECT_EQ(Seen("1,2\n")["header"], true) << "one record says nothing";
  EXPECT_EQ(Seen("a,b\n1,2\n")["header"], true);
}

TEST(Dialect, TakesNumbersForNamesWhereSomebodyKnowsThem) {
  CsvOptions options = DefaultOptions();
  options.types["2019"] = sdk::ColumnType::kFloat64;
  EXPECT_EQ(ReadText("2019,2020\n1,2\n", options)->Types(), "2019:double 2020:int64");
  options.types = {{"f1", sdk::ColumnType::kFloat64}};
  EXPECT_EQ(ReadText("2019,2020\n1,2\n", options)->Types(), "f0:int64 f1:double");
}

TEST(Dialect, ObeysTheParameters) {
  CsvOptions options = DefaultOptions();
  options.dialect.delimiter = ';';
  options.dialect.quote = '\0';
  options.dialect.header = false;
  const auto read = ReadText("1,2;\"x\n3,4;y\"\n", options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->Cells(), "1.2|\"x;3.4|y\"");
  options = DefaultOptions();
  options.dialect.backslash = true;
  EXPECT_EQ(ReadText("a,b\n\"x\\\\\",1\n", options)->Cells(), "x\\|1");
  options.dialect.backslash = false;
  EXPECT_EQ(ReadText("a,b\n\"x\\\\\",1\n", options)->Cells(), "x\\\\|1");
}

TEST(Dialect, SkipsAMarkAndReadsCarriageReturns) {
  EXPECT_EQ(ReadText("\xEF\xBB\xBF\"a\",b\r\n1,x\r\n2,\"y\r\nz\"\r\n")->Types(),
            "a:int64 b:string");
  EXPECT_EQ(ReadText("\xEF\xBB\xBF\"a\",b\r\n1,x\r\n2,\"y\r\nz\"")->Cells(), "1|x;2|y\r\nz");
}

TEST(Dialect, NamesThatAllAreWithinSingleQuotesAreWithoutThem) {
  EXPECT_EQ(ReadText("'a','b'\n'x',1\ny,2\n")->Types(), "a:string b:int64");
  EXPECT_EQ(ReadText("'a','b'\n'x',1\ny,2\n")->Cells(), "x|1;y|2");
  EXPECT_EQ(ReadText("'a',b\n'x',1\n")->Types(), "'a':string b:int64");
  EXPECT_EQ(ReadText("'a','b'\n\"x\",1\n")->Types(), "'a':string 'b':int64");
}

TEST(Dialect, ATitleAboveATableIsNotAColumnOfItsLines) {
  EXPECT_NE(ProblemOf("Report 2024\nname;value\na;1\nb;2\n").find("if it is a title"),
            std::string::npos);
  EXPECT_NE(ProblemOf("Report 2024\n\nname\tvalue\na\t1\n").find("between '\\t'"),
            std::string::npos);
  EXPECT_EQ(TypesOf("text\none; two\nthree\n"), "text:string");
  CsvOptions options = DefaultOptions();
  options.dialect.delimiter = ',';
  EXPECT_EQ(TypesOf("text\none; two\nthree; four\n", options), "text:string");
}

TEST(Dialect, ExcelsLineThatNamesTheDelimiterIsNoRecord) {
  EXPECT_EQ(ReadText("sep=;\r\na;b\r\n1;x,y\r\n")->Types(), "a:int64 b:string");
  EXPECT_EQ(ReadText("\xEF\xBB\xBFsep=,\n1,2\n3,4\n")->Cells(), "1|2;3|4");
  EXPECT_EQ(ReadText("sep=^\na^b\n1^2\n")->Cells(), "1|2");
  EXPECT_NE(ProblemOf("sep=;\na;b\n1;2\n3\n").find("line 4: Expected 2"), std::string::npos);
  EXPECT_EQ(ReadText("sep=;,b\n1,2\n")->Types(), "sep=;:int64 b:int64");
}

TEST(Dialect, ValuesBetweenBlanksAreNotAColumnOfText) {
  const auto refused = [](const std::string& text) {
    return ProblemOf(text).find("values between blanks") != std::string::npos;
  };
  EXPECT_TRUE(refused("1.5e+00 2.5e-01\n3.5e+00 4.5e+00\n")) << "numpy.savetxt";
  EXPECT_TRUE(refused("mpg cyl\nMazda 21 6\nDatsun 22.8 4\n")) << "R's row names";
  EXPECT_TRUE(refused("id   name   v\n1    Bob    3\n2    Al     4\n")) << "fixed widths";
  EXPECT_EQ(TypesOf("address\n12 Main 5\n13 Main 6\n"), "address:string");
  EXPECT_EQ(TypesOf("full name\nSensor 1\nSensor 2\n"), "full name:string");
  EXPECT_EQ(TypesOf("t\n2024-01-05 10:00:00\n"), "t:timestamp[us]");
  EXPECT_EQ(TypesOf("\"a b\"\n\"1 2\"\n\"3 4\"\n"), "a b:string");
  CsvOptions options = DefaultOptions();
  options.dialect.delimiter = ' ';
  EXPECT_EQ(ReadText("1.5 2\n3.5 4\n", options)->Cells(), "1.5|2;3.5|4");
  EXPECT_NE(ProblemOf("\"mpg\" \"cyl\"\n\"Mazda RX4\" 21 6\n").find("delimiter to one"),
            std::string::npos);
}

TEST(Dialect, ARowThatIsBadEitherWayMakesNoBackslashOfTheOthers) {
  CsvOptions options = DefaultOptions();
  options.quarantine = true;
  const auto read = ReadText(
      "id,path,v\n1,\"C:\\\",10\n2,\"D:\\\",20\n3,\"E:\\\",30,more\n4,\"F:\\\",40\n", options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->Cells(), "1|C:\\|10;2|D:\\|20;4|F:\\|40");
  EXPECT_EQ(read->bad.size(), 1U);
}

}  // namespace
}  // namespace penstock::ingest
