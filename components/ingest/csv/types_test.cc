// The type of a column. Each mutation of the rules makes the test beside it fail:
//
//    1 leading zeros are numbers                     LeavesWhatWouldNotComeBackAsText 02138
//    2 a plus in front is a number                   ... +5
//    3 hexadecimal digits are a number               ... 0x1F
//    4 integers beyond int64 become float64          ... 11898508762506083287
//    5 more digits than a double holds are float64   ... 0.1234567890123456789
//    6 what overflows is infinite                    ... 1e400
//    7 what vanishes is 0                            ... 1e-400
//    8 nanoseconds are cut                           ... .123456789
//    9 30 February is 1 March                        ... 2024-02-30
//   10 integers beyond 2^53 beside 0.5 are float64   JoinsTypes
//   11 true beside 1 is bool                         JoinsTypes
//   12 a time with a zone beside one without is one  JoinsTypes
//   13 a date beside a time is text                  JoinsTypes
//   14 inf alone is a number                         JoinsTypes
//   15 blanks around a number make it text           LetsBlanksDecideNothing
//   16 " NA" makes a number column text              LetsBlanksDecideNothing
//   17 a quoted number is text                       LooksThroughQuotes
//   18 an empty quoted value makes numbers text      LooksThroughQuotes
//   19 a quoted NA is null                           LooksThroughQuotes
//   20 -0 is the integer 0                           KeepsAValueAsItIs
//   21 a far date leaves its unit                    KeepsAValueAsItIs
//   22 a point and a comma are one mark              SeesTheDecimalMarkOfTheFile
//   23 a comma is a decimal mark between commas      SeesTheDecimalMarkOfTheFile
//   24 1,234 between semicolons is 1.234             SeesTheDecimalMarkOfTheFile
//   25 17 digits that a double shows are text        TakesWhatADoubleShowsAgain
#include "components/ingest/csv/types.h"

#include <gtest/gtest.h>

#include <cmath>

#include "components/ingest/csv/number.h"
#include "components/ingest/csv/testing/read_text.h"
#include "components/ingest/csv/time.h"
#include "components/model_format/column.h"

namespace penstock::ingest {
namespace {

// The type of one column of these values, which are written as they stand.
std::string TypeOfColumn(const std::vector<std::string>& values, const CsvOptions& options) {
  std::string text = "x|a\n";
  for (const auto& value : values) text += "-|" + value + "\n";
  const std::string types = TypesOf(text, options);
  return types.substr(types.find(" a:") + 3);
}
std::string TypeOfColumn(const std::vector<std::string>& values) {
  return TypeOfColumn(values, DefaultOptions());
}

TEST(CsvTypes, SeesEachType) {
  EXPECT_EQ(TypeOfColumn({"1", "-7", "0"}), "int64");
  EXPECT_EQ(TypeOfColumn({"9223372036854775807", "-9223372036854775808"}), "int64");
  EXPECT_EQ(TypeOfColumn({"1", "2.5", "-.5", "5.", "1e5", "1E+05"}), "double");
  EXPECT_EQ(TypeOfColumn({"true", "False", "TRUE"}), "bool");
  EXPECT_EQ(TypeOfColumn({"2024-02-29", "9999-12-31"}), "date32[day]");
  EXPECT_EQ(TypeOfColumn({"2024-02-29T10:00", "2024-02-29 10:00:00.5"}), "timestamp[us]");
  EXPECT_EQ(TypeOfColumn({"2024-02-29T10:00Z", "2024-02-29T10:00:00+09:00"}),
            "timestamp[us, tz=UTC]");
  EXPECT_EQ(TypeOfColumn({"a", "1"}), "string");
  EXPECT_EQ(TypeOfColumn({"", "NA"}), "string");
}

TEST(CsvTypes, LeavesWhatWouldNotComeBackAsText) {
  for (const char* value : {"02138",
                            "007",
                            "-01",
                            "00.5",
                            "+5",
                            "0x1F",
                            "1_000",
                            "1.5f",
                            "$5",
                            "10%",
                            "11898508762506083287",
                            "9223372036854775808",
                            "0.1234567890123456789",
                            "123456789012345678.5",
                            "1e400",
                            "-1e400",
                            "1e-400",
                            "1.23456789e-320",
                            "1e",
                            "e5",
                            "-",
                            ".",
                            "2024-01-05T10:00:00.123456789",
                            "2024-02-30",
                            "2024-13-01",
                            "2024-01-05T24:00",
                            "2024-01-05T10:00:60",
                            "2024-01-05T10",
                            "2024-1-5",
                            "05/01/2024",
                            "12:30",
                            "T",
                            "yes"}) {
    EXPECT_EQ(TypeOfColumn({value}), "string") << value;
    EXPECT_EQ(ParseNumber(value, '.').form, NumberForm::kNone) << value;
    EXPECT_EQ(TypeOfColumn({"1", value}), "string") << value;
    EXPECT_EQ(TypeOfColumn({value, "2024-01-05"}), "string") << value;
  }
}

TEST(CsvTypes, JoinsTypes) {
  EXPECT_EQ(TypeOfColumn({"9007199254740993", "0.5"}), "string");
  EXPECT_EQ(TypeOfColumn({"9007199254740992", "0.5"}), "double");
  EXPECT_EQ(TypeOfColumn({"9007199254740993", "1e5"}), "string");
  EXPECT_EQ(TypeOfColumn({"true", "1"}), "string");
  EXPECT_EQ(TypeOfColumn({"2024-01-05T10:00:00Z", "2024-01-05T10:00:00"}), "string");
  EXPECT_EQ(TypeOfColumn({"2024-01-05T10:00:00Z", "2024-01-05"}), "string");
  EXPECT_EQ(TypeOfColumn({"2024-01-05", "2024-01-05 10:00"}), "timestamp[us]");
  EXPECT_EQ(TypeOfColumn({"2024-01-05", "20240105"}), "string");
  EXPECT_EQ(TypeOfColumn({"inf"}), "string");
  EXPECT_EQ(TypeOfColumn({"inf", "-Infinity", "1"}), "double");
  EXPECT_EQ(TypeOfColumn({"inf", "9007199254740993"}), "string");
}

TEST(CsvTypes, LetsBlanksDecideNothing) {
  EXPECT_EQ(TypeOfColumn({" 7 ", "8"}), "int64");
  EXPECT_EQ(TypeOfColumn({"1.5 ", "\t2"}), "double");
  EXPECT_EQ(TypeOfColumn({" true", "false"}), "bool");
  EXPECT_EQ(TypeOfColumn({" 2024-01-05", "2024-01-06 "}), "date32[day]");
  EXPECT_EQ(TypeOfColumn({"7", " NA", "  "}), "int64");
  const auto read = ReadText("a,b,c\n 7 , NA,x\n8,y, NA\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Cells(), "7| NA|x;8|y| NA") << "a text keeps its blanks, and is no null";
}

TEST(CsvTypes, LooksThroughQuotes) {
  EXPECT_EQ(TypeOfColumn({"\"7\"", "8"}), "int64");
  EXPECT_EQ(TypeOfColumn({"\"7.5\"", "\"\""}), "double");
  EXPECT_EQ(TypeOfColumn({"\"02138\""}), "string");
  EXPECT_EQ(TypeOfColumn({"7", "\"NA\""}), "string");
  const auto read = ReadText("n,s,t\n\"1\",\"\",NA\n\"\",x,\"NA\"\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Types(), "n:int64 s:string t:string");
  EXPECT_EQ(read->Cells(), "1||null;null|x|NA");
}

TEST(CsvTypes, KeepsAValueAsItIs) {
  const auto read = ReadText(
      "z,d,t,n\n-0,9999-12-31,9999-12-31 23:59:59.999999,9007199254740993\n"
      "0.0,0001-01-01,1677-01-01 00:00:00.5,-1\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Types(), "z:double d:date32[day] t:timestamp[us] n:int64");
  EXPECT_TRUE(std::signbit(static_cast<const arrow::DoubleScalar&>(*read->Cell(0, 0)).value));
  EXPECT_EQ(read->Cell(1, 0)->ToString(), "9999-12-31");
  EXPECT_EQ(read->Cell(2, 0)->ToString(), "9999-12-31 23:59:59.999999");
  EXPECT_EQ(read->Cell(2, 1)->ToString(), "1677-01-01 00:00:00.500000");
  EXPECT_EQ(read->Cell(3, 0)->ToString(), "9007199254740993");
}

TEST(CsvTypes, SeesTheDecimalMarkOfTheFile) {
  EXPECT_EQ(TypesOf("a;b\n1,5;x\n2;y\n"), "a:double b:string");
  EXPECT_EQ(ReadText("a;b\n1,5;x\n2;y\n")->Cells(), "1.5|x;2|y");
  EXPECT_EQ(ReadText("a;b\n1,5;x\n2;y\n")->report.dialect.decimal, ',');
  EXPECT_EQ(TypesOf("a;b\n1,5;1.5\n2;2.5\n"), "a:string b:double") << "two marks: 1,5 may be 15";
  EXPECT_EQ(TypesOf("a;b\n1,5;x\n2.5;y\n"), "a:string b:string");
  EXPECT_EQ(TypesOf("a;b\n1,5;1.5\n2,5;x\n"), "a:double b:string") << "text has no mark";
  EXPECT_EQ(TypesOf("a;b\n1,234;x\n2,345;y\n"), "a:string b:string") << "may be thousands";
  EXPECT_EQ(TypesOf("a;b\n1,234;0,5\n"), "a:double b:double");
  EXPECT_EQ(TypesOf("a;b\n1.234;0,5\n"), "a:string b:double") << "1.234 may be a thousand";
  EXPECT_EQ(TypesOf("a;b\n1.234;x\n"), "a:double b:string");
  EXPECT_EQ(TypesOf("a,b\n\"1,5\",x\n"), "a:string b:string");
  EXPECT_EQ(TypesOf("a,b\n\"1,234\",x\n"), "a:string b:string");
  CsvOptions comma = DefaultOptions();
  comma.dialect.decimal = ',';
  EXPECT_EQ(TypesOf("a,b\n\"1,234\",1.5\n", comma), "a:double b:string");
}

TEST(CsvTypes, TakesWhatADoubleShowsAgain) {
  for (const char* value :
       {"0.30000000000000004", "0.10000000000000001", "1.000000000000000056e-01",
        "0.1000000000000000000", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308",
        "123456789.12345679"}) {
    EXPECT_EQ(TypeOfColumn({value}), "double") << value;
    const auto number = ParseNumber(value, '.');
    EXPECT_EQ(number.real, std::strtod(value, nullptr)) << value;
  }
}

TEST(CsvTypes, FastNumbersAreTheSlowOnes) {
  for (const char* value : {"0", "7", "-7", "123456789012345678", "-0", "01", "", "-", "1a"}) {
    std::int64_t fast = 0;
    const std::string text = value;
    if (!FastInteger(text.data(), text.size(), fast)) continue;
    EXPECT_EQ(ParseNumber(text, '.').form, NumberForm::kInteger) << value;
    EXPECT_EQ(ParseNumber(text, '.').integer, fast) << value;
  }
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const int size = 1 + i % 18;
    for (int k = 0; k < size; ++k) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += "0123456789.123-"[(state >> 33) % (k == 0 ? 15 : 14)];
    }
    double fast = 0;
    if (!FastReal(text.data(), text.size(), '.', fast)) continue;
    const auto slow = ParseNumber(text, '.');
    ASSERT_EQ(slow.form, NumberForm::kMarked) << text;
    ASSERT_EQ(slow.real, fast) << text;
  }
}

TEST(CsvTypes, TimesAreThoseOfTheModelServer) {
  for (const char* value :
       {"2024-01-05", "1969-12-31T23:59:59.5", "2024-01-05 10:00", "2024-01-05T10:00:00.123456Z",
        "0001-01-01T00:00:00+09:00", "2024-01-05t10:00:00z", "2024-01-05T10:00:00-0330",
        "2024-01-05T10:00:00+09", "2024-01-05T10:00:00+9", "2024-01-05Z", "2024-01-05T10:00:00."}) {
    const auto time = ParseTime(value);
    const auto server = sdk::ParseTimestamp(value);
    ASSERT_EQ(time.has_value(), server.has_value()) << value;
    if (!time) continue;
    EXPECT_EQ(time->micros, *server) << value;
  }
}

}  // namespace
}  // namespace penstock::ingest
