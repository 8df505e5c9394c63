#include "components/ingest/csv/reader.h"

#include <gtest/gtest.h>

#include "components/ingest/csv/testing/read_text.h"

namespace penstock::ingest {
namespace {

using ::testing::Test;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_PROBLEM(text, part) EXPECT_TRUE(Contains(ProblemOf(text), part)) << ProblemOf(text)

CsvOptions Told(const std::string& column, sdk::ColumnType type) {
  CsvOptions options = DefaultOptions();
  options.types[column] = type;
  return options;
}

CsvOptions Quarantine() {
  CsvOptions options = DefaultOptions();
  options.quarantine = true;
  return options;
}

std::string Rows(int count, const std::string& row) {
  std::string text;
  for (int i = 0; i < count; ++i) text += row;
  return text;
}

TEST(ReadCsv, KeepsLeadingZerosAndHexadecimalAsText) {
  EXPECT_EQ(TypesOf("id,zip,code,plus,thousand,sci,hex,money\n"
                    "1,02138,007,+5,\"1,234\",1e5,0x1F,$5\n2,10001,010,+6,\"2,000\",2E3,0x20,$6\n"),
            "id:int64 zip:string code:string plus:string thousand:string sci:double hex:string "
            "money:string");
}

TEST(ReadCsv, KeepsIdsBeyondInt64WhereverTheyStand) {
  std::string text = "id,pad\n";
  for (int i = 0; i < 40'000; ++i) {
    text += std::to_string(3266119658877827603 - i) + "," + std::string(40, 'x') + "\n";
  }
  text += "11898508762506083287,end\n";
  const auto read = ReadText(text);
  ASSERT_TRUE(read);
  EXPECT_GT(read->batches, 1);
  EXPECT_EQ(read->Types(), "id:string pad:string");
  EXPECT_EQ(read->Cell(0, 40'000)->ToString(), "11898508762506083287");
  EXPECT_EQ(read->Cell(0, 0)->ToString(), "3266119658877827603");
}

TEST(ReadCsv, RefusesAQuoteThatIsNeverClosed) {
  EXPECT_PROBLEM("id,note,v\n1,fine,10\n2,\"never closed,20\n3,ok,30\n", "line 3, column 'note'");
  EXPECT_PROBLEM("id,v,note\n1,10,fine\n2,20,\"never closed\n3,30,ok\n", "line 3, column 'note'");
  EXPECT_PROBLEM("id;v\n1;\"a\"\n2;\"b", "line 3, column 'v': the quote that opens here is not");
  // Beyond what is read at once, and closed by another one 50,000 rows later.
  EXPECT_PROBLEM("id,note\n1,\"oops\n" + Rows(1'500'000, "2,some note\n"), "line 2, column 'note'");
  EXPECT_PROBLEM("id,note\n1,\"oops\n" + Rows(50'000, "2,note\n") + "3,\"x\"\n",
                 "line 2, column 'note': a quote within a quoted value, which opens here and is "
                 "50002 lines long");
}

TEST(ReadCsv, LeavesOutOnlyTheLineWhoseQuoteIsNeverClosed) {
  const std::string rows = Rows(1'500'000, "2,some note\n");
  const auto read = ReadText("id,note\n1,\"oops\n" + rows, Quarantine());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->table->num_rows(), 1'500'000);
  ASSERT_EQ(read->bad.size(), 1U);
  EXPECT_TRUE(read->bad[0].starts_with("2|column 'note': the quote")) << read->bad[0];
  EXPECT_TRUE(read->bad[0].ends_with("|1,\"oops\n"));
}

TEST(ReadCsv, ReadsBackslashesWhereOnlyTheyFit) {
  const auto read = ReadText(
      "id,note,v\n1,fine,10\n2,\"say \\\"hi\\\"\",20\n3,\"it, is \\\"so\\\"\",30\n4,\"a\\\\\",4\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->Cells(), "1|fine|10;2|say \"hi\"|20;3|it, is \"so\"|30;4|a\\|4");
  EXPECT_TRUE(read->report.dialect.backslash);
  // Beyond the first records too.
  const auto late = ReadText("id,note\n" + Rows(100'000, "1,fine\n") + "2,\"say \\\"hi\\\"\"\n");
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_EQ(late->Cell(1, 100'000)->ToString(), "say \"hi\"");
  // Where both fit, a quote is written twice.
  EXPECT_EQ(ReadText("a,b\n\"C:\\\",1\n\"D:\\\",2\n")->Cells(), "C:\\|1;D:\\|2");
}

TEST(ReadCsv, KeepsInnerQuotesOrRefusesThem) {
  EXPECT_EQ(ReadText("id,note\n2,Box 24\"\n5,5\" x 6\"\n")->Cells(), "2|Box 24\";5|5\" x 6\"");
  EXPECT_EQ(ReadText("id,note\n2,\"say \"\"hi\"\"\"\n")->Cells(), "2|say \"hi\"");
  EXPECT_PROBLEM("id,note,v\n1,a,1\n4,\"Toys \"R\" Us\",40\n",
                 "line 3, column 'note': a quote within a quoted value");
  const auto read = ReadText("id,note\n1,a\n4,\"Toys \"R\" Us\"\n5,b\n", Quarantine());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Cells(), "1|a;5|b");
  EXPECT_EQ(read->report.bad_rows, 1);
}

TEST(ReadCsv, NamesTheLineOfEachKindOfBadRow) {
  EXPECT_PROBLEM("a,b\n1,2\n3\n", "line 3: Expected 2 columns, got 1: 3");
  EXPECT_PROBLEM("a,b\n1,2\n3,4,5\n", "line 3: Expected 2 columns, got 3: 3,4,5");
  EXPECT_PROBLEM("a,b\n\"x\ny\",2\n3\n", "line 4: Expected 2 columns, got 1");
  EXPECT_PROBLEM("a,b\r\n1,2\r\n3,4\r5\r\n", "line 3, column 'b': a carriage return without");
  EXPECT_PROBLEM("a,b\n1,x\n2,caf\xE9\n", "line 3, column 'b': bytes that are no UTF-8");
  EXPECT_PROBLEM("a,b\n1,x\n2,caf\xE9\n", "parameter encoding");
  EXPECT_PROBLEM("Gr\xF6\xDF,b\n1,x\n", "line 1: bytes that are no UTF-8");
  EXPECT_PROBLEM(std::string("a,b\n1,x\0y\n2,z\n", 14), "line 2, column 'b': a NUL byte");
  EXPECT_PROBLEM("a,b\r1,2\r3,4\r", "line 1: a carriage return without a line feed");
  EXPECT_PROBLEM("", "Empty CSV file");
  EXPECT_PROBLEM("\n\n", "Empty CSV file");
  // Behind many blocks.
  EXPECT_PROBLEM("a,b\n" + Rows(400'000, "1,\"two\nlines\"\n") + "3\n", "line 800002: Expected");
}

TEST(ReadCsv, ATitleOfSeveralValuesIsNamedWhereTheTableBegins) {
  const std::string bank = "Account;DE89\nPeriod;January\n\nDay;Text;Amount\n1;x;2\n3;y;4\n";
  EXPECT_PROBLEM(bank,
                 "line 4: Expected 2 columns, got 3: Day;Text;Amount; the row below has 3 too");
  EXPECT_PROBLEM("# made by x\na,b\n1,2\n", "with no title or comment above it");
  EXPECT_EQ(ProblemOf("a,b\n1,2\n3,4,5\n6,7\n").find("the row below"), std::string::npos);
}

TEST(ReadCsv, RowsThatTwoStrayQuotesTookInAreSaid) {
  const auto read = ReadText("id,v,note\n1,1,a\n2,2,\"oops\n3,3,b\n4,4,c\n5,5,x\"\n6,6,d\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->report.notes.size(), 1U);
  EXPECT_EQ(read->report.notes[0],
            "line 3, column 'note': the quotes hold 3 lines that have as many values as a row; if "
            "they are rows, a quote is missing or too many there");
  EXPECT_TRUE(ReadText("id,v,note\n1,1,\"two\nlines, both\"\n")->report.notes.empty());
  // The first one, however blocks are cut.
  const auto late =
      ReadText("id,note\n" + Rows(400'000, "1,fine\n") + "2,\"a\n3,b\"\n" + "4,\"a\n5,b\"\n");
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_TRUE(
      late->report.notes.at(0).starts_with("line 400002, column 'note': the quotes hold 1 lines"))
      << late->report.notes.at(0);
}

TEST(ReadCsv, QuarantinesEachKindOfBadRow) {
  const std::string text =
      std::string("a,b\n1,x\n2\n3,x\xFF\n4,y\r,\n5,z") + '\0' + "z\n6,\"q\"q\nseven,r\n8,s\n";
  CsvOptions options = Quarantine();
  options.types["a"] = sdk::ColumnType::kInt64;
  const auto read = ReadText(text, options);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->Cells(), "1|x;8|s");
  ASSERT_EQ(read->bad.size(), 6U);
  EXPECT_EQ(read->bad[0], "3|Expected 2 columns, got 1|2\n");
  EXPECT_TRUE(read->bad[1].starts_with("4|column 'b': bytes that are no UTF-8"));
  EXPECT_TRUE(read->bad[2].starts_with("5|column 'b': a carriage return"));
  EXPECT_TRUE(read->bad[3].starts_with("6|column 'b': a NUL byte"));
  EXPECT_TRUE(read->bad[4].starts_with("7|column 'b': a quote within"));
  EXPECT_EQ(read->bad[5], "8|column 'a': 'seven' is no int64|seven,r\n");
  EXPECT_EQ(read->report.bad_rows, 6);
}

TEST(ReadCsv, TakesToldTypesAsOrders) {
  const std::string text = "a,b\n007,1\n+5,0\n 40.0,TRUE\nNA,false\n";
  EXPECT_EQ(ReadText(text, Told("a", sdk::ColumnType::kInt64))->Cells(),
            "7|1;5|0;40|TRUE;null|false");
  EXPECT_EQ(ReadText(text, Told("a", sdk::ColumnType::kFloat64))->Cells(),
            "7|1;5|0;40|TRUE;null|false");
  EXPECT_EQ(ReadText(text, Told("b", sdk::ColumnType::kBool))->Cells(),
            "007|true;+5|false; 40.0|true;null|false");
  EXPECT_EQ(ReadText(text, Told("a", sdk::ColumnType::kString))->Cells(),
            "007|1;+5|0; 40.0|TRUE;null|false");
  EXPECT_EQ(ReadText("t\n2024-01-05T10:00:00+09:00\n2024-01-05T10:00:00Z\n",
                     Told("t", sdk::ColumnType::kTimestamp))
                ->Cells(),
            "2024-01-05 01:00:00.000000Z;2024-01-05 10:00:00.000000Z");
  EXPECT_EQ(ReadText("a;b\n1,5;x\n2;y\n", Told("a", sdk::ColumnType::kFloat64))->Cells(),
            "1.5|x;2|y");
}

TEST(ReadCsv, RefusesWhatAToldTypeDoesNotHold) {
  const auto problem = [](const std::string& value, sdk::ColumnType type) {
    return ProblemOf("n,a\n1,\n2," + value + "\n", Told("a", type));
  };
  for (const char* value : {"x", "1.5", "9223372036854775808", "1e3", "0x1F"}) {
    EXPECT_EQ(problem(value, sdk::ColumnType::kInt64),
              "CSV line 3, column 'a': '" + std::string(value) + "' is no int64");
  }
  for (const char* value : {"x", "1e400", "1;5", "true"}) {
    EXPECT_EQ(problem(value, sdk::ColumnType::kFloat64),
              "CSV line 3, column 'a': '" + std::string(value) + "' is no float64");
  }
  EXPECT_EQ(problem("yes", sdk::ColumnType::kBool), "CSV line 3, column 'a': 'yes' is no bool");
  EXPECT_EQ(problem("12:30", sdk::ColumnType::kTimestamp),
            "CSV line 3, column 'a': '12:30' is no timestamp");
  for (const char* text : {"t\n2024-01-05T10:00:00\n2024-01-05T10:00:00Z\n",
                           "t\n2024-01-05T10:00:00Z\n2024-01-05T10:00:00\n"}) {
    EXPECT_TRUE(Contains(ProblemOf(text, Told("t", sdk::ColumnType::kTimestamp)),
                         "is no timestamp: it has no zone"));
  }
  EXPECT_TRUE(Contains(ProblemOf("a;b\n1,5;2.5\n", Told("a", sdk::ColumnType::kFloat64)),
                       "line 2, column 'a': '1,5' is no float64"));
}

TEST(ReadCsv, SaysWhichColumnsAreEmpty) {
  const auto read = ReadText("a,b,c,d\n1,,NA,\"\"\n2,,,\"\"\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Types(), "a:int64 b:string c:string d:string");
  EXPECT_EQ(read->Cells(), "1|null|null|;2|null|null|");
  EXPECT_EQ(read->report.empty_columns, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(TypesOf("a,b\n"), "a:string b:string");
}

TEST(ReadCsv, TakesEmptyLinesForNullsOnlyInOneColumn) {
  EXPECT_EQ(ReadText("a,b\n\n1,2\n\r\n3,4\n\n")->Cells(), "1|2;3|4");
  EXPECT_EQ(ReadText("a\n1\n\n3\n\n\n")->Cells(), "1;null;3");
  EXPECT_EQ(ReadText("a\r\n1\r\n\r\n3\r\n\r\n")->Cells(), "1;null;3");
}

TEST(ReadCsv, ReadsNamesThatAreUsedOnly) {
  EXPECT_PROBLEM(",name\n0,x\n", "line 1: column 1 has no name; name those to read");
  EXPECT_PROBLEM("a,b,a\n1,x,2\n", "line 1: column 'a' stands twice");
  CsvOptions options = DefaultOptions();
  options.columns = {"name"};
  EXPECT_EQ(ReadText(",name,name2\n0,x,1\n", options)->Cells(), "x");
  EXPECT_EQ(ReadText("a,name,a\n0,x,1\n", options)->Cells(), "x");
  EXPECT_TRUE(Contains(ProblemOf("a,b\n1,2\n", options), "no column 'name'; there are a, b"));
}

TEST(ReadCsv, GivesTheSameBatchesOnAnyNumberOfThreads) {
  const std::string text = "a,b,c\n" + Rows(300'000, "1,x,2.5\n") + Rows(100'000, "2,\"y\nz\",\n");
  CsvOptions options = DefaultOptions();
  options.threads = 1;
  const auto one = ReadText(text, options);
  options.threads = 8;
  const auto eight = ReadText(text, options);
  ASSERT_TRUE(one && eight);
  EXPECT_TRUE(one->table->Equals(*eight->table));
  ASSERT_GT(one->batches, 3);
  ASSERT_EQ(one->batches, eight->batches);
  for (int b = 0; b < one->batches; ++b) {
    EXPECT_EQ(one->table->column(0)->chunk(b)->length(),
              eight->table->column(0)->chunk(b)->length());
  }
}

}  // namespace
}  // namespace penstock::ingest
