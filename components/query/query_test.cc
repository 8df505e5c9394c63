#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "components/query/duckdb.h"
#include "components/query/run.h"
#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::query {
namespace {

using sdk::TestFolder;

class Query : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FindDuckdb()) GTEST_SKIP() << FindDuckdb().error().message;
    sdk::WriteDataset(
        folder_ / "it's",
        {sdk::BatchOf({arrow::field("이름", arrow::utf8()), arrow::field("n", arrow::int64()),
                       arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))},
                      R"([["b", 2, "2013-01-01"], ["a", 1, null], ["c", 3, null]])")});
  }
  Result<void> Run(const std::string& sql) {
    sdk::Step step(
        {{"sql", sql}},
        {{"dataset", {folder_ / "it's", "", ""}}, {"second", {folder_ / "it's", "", ""}}},
        {{"dataset", folder_ / "out"}}, "");
    return RunQuery(step);
  }
  std::string Problem(const std::string& sql) {
    const auto ok = Run(sql);
    return ok ? "accepted" : ok.error().message;
  }
  TestFolder folder_;
};

TEST_F(Query, SelectsInTheOrderOfTheQuery) {
  const auto ok = Run("SELECT \"이름\", n * 2 AS m, t FROM dataset ORDER BY n DESC;");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto rows = sdk::ReadDataset(folder_ / "out");
  ASSERT_EQ(rows->num_rows(), 3);
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "m"), 0)), 6);
  EXPECT_EQ(sdk::CellToText(CellAt(*sdk::FindColumn(*rows, "이름"), 2)), "a");
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "t"), 1)), 1356998400000000);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/.scratch"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/_schema.json"));
}

// DuckDB warned of the arrow, and the warning was read for its answer.
TEST_F(Query, TakesBothWaysToWriteALambda) {
  for (const char* lambda : {"x -> x + 1", "lambda x : x + 1"}) {
    const auto ok = Run(std::string("SELECT list_sum(list_transform([n], ") + lambda +
                        "))::BIGINT AS m FROM dataset ORDER BY n");
    ASSERT_TRUE(ok) << ok.error().message;
    const auto rows = sdk::ReadDataset(folder_ / "out");
    EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "m"), 2)), 4);
  }
  EXPECT_EQ(Problem("SELECT COLUMNS(c -> c = 'n') FROM dataset"), "accepted");
}

TEST_F(Query, JoinsItsInputs) {
  const auto ok = Run("SELECT a.n, b.n AS o FROM dataset a JOIN second b ON a.n = b.n + 1");
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(sdk::ReadDataset(folder_ / "out")->num_rows(), 2);
}

TEST_F(Query, GivesTheSameBytesTwice) {
  ASSERT_TRUE(Run("SELECT * FROM dataset"));
  const auto first = ReadFile(folder_ / "out/part-00000.parquet");
  std::filesystem::remove_all(folder_ / "out");
  ASSERT_TRUE(Run("SELECT * FROM dataset"));
  EXPECT_EQ(*first, *ReadFile(folder_ / "out/part-00000.parquet"));
}

TEST_F(Query, ShowsWhereTheTextIsWrong) {
  const std::string parse = Problem("SELECT a b c FROM dataset");
  EXPECT_NE(parse.find("Parser Error"), std::string::npos) << parse;
  EXPECT_NE(parse.find("(line 1, column 12)"), std::string::npos) << parse;
  const std::string bind = Problem("SELECT n,\n  nope\nFROM dataset");
  EXPECT_NE(bind.find("nope"), std::string::npos) << bind;
  EXPECT_NE(bind.find("(line 2, column 3)"), std::string::npos) << bind;
  EXPECT_NE(Problem("SELECT \"이름\"::INT FROM dataset").find("Could not convert"),
            std::string::npos);
}

TEST_F(Query, SeesNothingButItsInputs) {
  std::ofstream(folder_ / "secret.csv") << "a\n1\n";
  const std::string secret = folder_ / "secret.csv";
  for (const std::string& sql :
       {"SELECT * FROM read_csv('" + secret + "')", "SELECT * FROM '" + secret + "'",
        std::string("SELECT * FROM read_text('/etc/passwd')"),
        std::string("SELECT * FROM read_parquet('https://example.com/x.parquet')"),
        "COPY (SELECT 1) TO '" + (folder_ / "stolen") + "'", std::string("SELECT 1; SELECT 2"),
        std::string("SELECT 1)) TO '/tmp/x'; --"), std::string("INSTALL httpfs"),
        std::string("SET enable_external_access = true"), std::string("SELECT getenv('HOME')"),
        std::string(".shell touch /tmp/x")}) {
    EXPECT_FALSE(Run(sql)) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "stolen"));
}

TEST_F(Query, TellsSeveralStatementsFromAFullDisk) {
  const std::string several = Problem("SELECT 1; SELECT 2");
  EXPECT_NE(several.find("Expected a single SELECT statement"), std::string::npos) << several;
  EXPECT_EQ(several.find("(line"), std::string::npos) << several;  // of a text that is not his
  QueryPlan plan;
  plan.sql = "SELECT 1";
  plan.output_file = "/dev/full";
  plan.temporary_folder = folder_ / "temporary";
  plan.memory_limit = "200MiB";
  const auto full = RunQueryPlan(*FindDuckdb(), plan);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::kTransient) << full.error().message;
}

TEST_F(Query, EndsATextThatTakesLongerThanItMay) {
  QueryPlan plan;
  plan.sql = "SELECT count(*) FROM range(1000000000000)";
  plan.output_file = folder_ / "late.parquet";
  plan.temporary_folder = folder_ / "temporary";
  plan.memory_limit = "200MiB";
  plan.limit = std::chrono::seconds(0);
  const auto late = RunQueryPlan(*FindDuckdb(), plan);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "sql: it took longer than 0 s and was ended");
}

TEST_F(Query, KeepsSumsOfIntegersIntegers) {
  const auto ok =
      Run("SELECT sum(n) AS total, count_if(n > 1) AS many, sum(n > 1)::HUGEINT AS label, "
          "9007199254740993::HUGEINT AS large, 1::UBIGINT AS u, 7 AS i FROM dataset");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto rows = sdk::ReadDataset(folder_ / "out");
  for (const auto& field : rows->schema()->fields()) {
    EXPECT_EQ(field->type()->id(), arrow::Type::INT64) << field->name();
  }
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "total"), 0)), 6);
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "large"), 0)), 9007199254740993);
  const std::string problem =
      Problem("SELECT n, sum(n) OVER () + 9223372036854775807 AS huge FROM dataset");
  EXPECT_NE(problem.find("column 'huge': 9223372036854775813 does not fit"), std::string::npos)
      << problem;
}

TEST_F(Query, TakesNaNForNullAndKeepsInfinity) {
  const auto column = [](const std::vector<double>& values) {
    arrow::DoubleBuilder builder;
    EXPECT_TRUE(builder.AppendValues(values).ok());
    return *builder.Finish();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  std::filesystem::remove_all(folder_ / "it's");
  sdk::WriteDataset(folder_ / "it's",
                    {arrow::RecordBatch::Make(arrow::schema({arrow::field("x", arrow::float64())}),
                                              4, {column({1, nan, 20, inf})})});
  ASSERT_TRUE(Run("SELECT x, 'nan'::DOUBLE AS made FROM dataset WHERE x > 15"));
  const auto rows = sdk::ReadDataset(folder_ / "out");
  ASSERT_EQ(rows->num_rows(), 2);  // NaN > 15 is no longer true
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "x"), 1)), inf);
  EXPECT_EQ(rows->GetColumnByName("made")->null_count(), 2);
  std::filesystem::remove_all(folder_ / "out");
  ASSERT_TRUE(Run("SELECT count(*) AS nulls FROM dataset WHERE x IS NULL"));
  EXPECT_EQ(std::get<std::int64_t>(
                CellAt(*sdk::FindColumn(*sdk::ReadDataset(folder_ / "out"), "nulls"), 0)),
            1);
}

// BIGINT in the first file and DOUBLE in the second: 2.5 became 2.
TEST_F(Query, UnitesFilesOfADatasetByNameAndKeepsTheirTypes) {
  std::filesystem::remove_all(folder_ / "it's");
  const auto write = [&](const char* part, const arrow::FieldVector& fields, const char* rows) {
    sdk::WriteDataset(folder_ / part, {sdk::BatchOf(fields, rows)});
    std::filesystem::create_directories(folder_ / "it's");
    std::filesystem::copy_file(folder_ / part + "/part-00000.parquet",
                               folder_ / "it's/part-0000" + part + ".parquet");
  };
  write("0", {arrow::field("a", arrow::int64()), arrow::field("s", arrow::utf8())},
        "[[10, \"x\"]]");
  write("1", {arrow::field("b", arrow::int64()), arrow::field("a", arrow::float64())},
        "[[7, 2.5]]");
  const auto ok = Run("SELECT a, s, b FROM dataset");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto rows = sdk::ReadDataset(folder_ / "out");
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "a"), 0)), 10);
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "a"), 1)), 2.5);
  EXPECT_TRUE(rows->GetColumnByName("b")->IsNull(0));
  write("2", {arrow::field("a", arrow::utf8())}, "[[\"z\"]]");
  EXPECT_NE(Problem("SELECT a FROM dataset").find("column 'a' is float64 in"), std::string::npos);
}

TEST_F(Query, RefusesColumnsThatDifferByCaseAndGivesNoneForTheOther) {
  sdk::WriteDataset(
      folder_ / "cased",
      {sdk::BatchOf({arrow::field("id", arrow::int64()), arrow::field("ID", arrow::int64())},
                    "[[1, 10]]")});
  sdk::Step step({{"sql", "SELECT \"ID\" FROM dataset"}},
                 {{"dataset", {folder_ / "cased", "", ""}}}, {{"dataset", folder_ / "out"}}, "");
  const auto ok = RunQuery(step);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("input 'dataset'"), std::string::npos) << ok.error().message;
  EXPECT_NE(ok.error().message.find("'id' and 'ID'"), std::string::npos) << ok.error().message;
  EXPECT_NE(Problem("SELECT n AS a, n AS A FROM dataset").find("'a' and 'A'"), std::string::npos);
  const std::string quoted = Problem("SELECT n,\n \"T\" FROM dataset");
  EXPECT_NE(quoted.find("no column \"T\", but one \"t\" (line 2, column 2)"), std::string::npos)
      << quoted;
  EXPECT_NE(Problem("SELECT d.\"N\" FROM dataset d").find("but one \"n\""), std::string::npos);
  EXPECT_EQ(Problem("SELECT N, \"t\" AS \"T\" FROM dataset ORDER BY \"T\""), "accepted");
}

TEST_F(Query, KeepsTypesOrRefusesThemByColumn) {
  const auto ok =
      Run("SELECT uuid() AS u, TIME '10:00' AS t, 'a'::ENUM('a', 'b') AS e, '101'::BIT AS b, "
          "1.5::FLOAT "
          "AS f, [1, 2] AS l, TIMESTAMPTZ '2020-01-01 00:00:00+02' AS z FROM dataset LIMIT 1");
  ASSERT_TRUE(ok) << ok.error().message;
  const auto rows = sdk::ReadDataset(folder_ / "out");
  const auto text = [&](const char* name) {
    return sdk::CellToText(CellAt(*sdk::FindColumn(*rows, name), 0));
  };
  EXPECT_EQ(text("u").size(), 36U);
  EXPECT_EQ(text("t"), "10:00:00");
  EXPECT_EQ(text("e"), "a");
  EXPECT_EQ(text("b"), "101");
  EXPECT_EQ(text("f"), "1.5");
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "z"), 0)), 1577829600000000);
  for (const char* value :
       {"INTERVAL 1 DAY", "{'a': 1}", "MAP {'a': 1}", "NULL", "union_value(m := 1)"}) {
    const std::string problem = Problem(std::string("SELECT n, ") + value + " AS odd FROM dataset");
    EXPECT_NE(problem.find("column 'odd' is of type"), std::string::npos) << problem;
  }
}

TEST_F(Query, RefusesWhatAnswersOtherwiseAtAnotherTime) {
  for (const char* call : {"now()", "current_date", "current_timestamp", "today()", "age(t)",
                           "ago(INTERVAL 1 DAY)", "uuidv7()", "current_setting('threads')"}) {
    const std::string problem = Problem(std::string("SELECT n,\n  ") + call + " AS c FROM dataset");
    EXPECT_NE(problem.find("(line 2, column 3)"), std::string::npos) << problem;
  }
  EXPECT_NE(Problem("SELECT * FROM query('SELECT now()')").find("query()"), std::string::npos);
  EXPECT_NE(Problem("SELECT * FROM duckdb_settings()").find("duckdb_settings()"),
            std::string::npos);
}

TEST_F(Query, GivesOneAnswerInEveryTimeZoneAndLocale) {
  const char* sql =
      "SELECT TIMESTAMPTZ '2020-07-01 00:00:00' AS z, strftime(t, '%A %c') AS s, "
      "date_trunc('week', t) AS w, t::TIMESTAMPTZ::VARCHAR AS v FROM dataset";
  ASSERT_TRUE(Run(sql));
  const auto here = ReadFile(folder_ / "out/part-00000.parquet");
  ::setenv("TZ", "America/New_York", 1);
  ::setenv("LC_ALL", "de_DE.UTF-8", 1);
  std::filesystem::remove_all(folder_ / "out");
  const auto ok = Run(sql);
  ::unsetenv("TZ");
  ::unsetenv("LC_ALL");
  ASSERT_TRUE(ok);
  EXPECT_EQ(*here, *ReadFile(folder_ / "out/part-00000.parquet"));
}

TEST_F(Query, ADecimalOfMoreDigitsThanSqlHasDoesNotBecomeADouble) {
  const auto wide = arrow::decimal256(60, 0);
  const auto digits =
      arrow::json::ArrayFromJSONString(wide, "[\"" + std::string(50, '1') + "\"]").ValueOrDie();
  sdk::WriteDataset(folder_ / "it's", {arrow::RecordBatch::Make(
                                          arrow::schema({arrow::field("d", wide)}), 1, {digits})});
  EXPECT_NE(Problem("SELECT * FROM dataset").find("column 'd' is a decimal of 60 digits"),
            std::string::npos);
}

TEST_F(Query, NeedsTextAndInputs) {
  EXPECT_NE(Problem("").find("sql: is required"), std::string::npos);
  sdk::Step step({{"sql", "SELECT 1"}}, {}, {{"dataset", folder_ / "out"}}, "");
  EXPECT_EQ(RunQuery(step).error().message, "input 'dataset' is missing");
}

TEST(SummariseError, CountsFromTheUsersFirstLine) {
  EXPECT_EQ(SummariseError("Parser Error: bad\n\nLINE 3: SELECT x\n               ^\n", 2),
            "Parser Error: bad (line 2, column 8)");
  EXPECT_EQ(SummariseError("Binder Error: bad\nLINE 1: ...ECT x\n             ^\n", 1),
            "Binder Error: bad (line 1)");
  EXPECT_EQ(SummariseError("", 1), "duckdb failed without a message");
}

TEST(RunQueryPlan, TellsAProgramThatCannotRunAndOneThatWasKilled) {
  EXPECT_EQ(RunQueryPlan("/no/such/program", {}).error().message,
            "/no/such/program: cannot be run");
  const TestFolder folder;
  const std::string program = folder / "duckdb";
  std::ofstream(program) << "#!/bin/sh\nkill -9 $$\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto killed = RunQueryPlan(program, {});
  ASSERT_FALSE(killed);
  EXPECT_NE(killed.error().message.find("memory"), std::string::npos);
}

}  // namespace
}  // namespace penstock::query
