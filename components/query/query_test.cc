#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
  QueryPlan plan;
  plan.sql = "SELECT 1";
  plan.output_file = "/dev/full";
  plan.temporary_folder = folder_ / "temporary";
  plan.memory_limit = "200MiB";
  const auto full = RunQueryPlan(*FindDuckdb(), plan);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::kTransient) << full.error().message;
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
