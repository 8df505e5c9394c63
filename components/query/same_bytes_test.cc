// One query, one file: on every number of threads, every time.
#include <arrow/api.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <set>

#include "components/query/duckdb.h"
#include "components/query/run.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::query {
namespace {

using sdk::TestFolder;

// PENSTOCK_QUERY_REPEATS=20 is the promise; CI has two cores and less time.
int Repeats() {
  const char* text = ::getenv("PENSTOCK_QUERY_REPEATS");
  return text == nullptr ? 3 : std::atoi(text);
}

// 400,000 rows in many row groups: as many as keep four threads busy at once.
void WriteRows(const std::string& folder) {
  constexpr int kBatches = 8;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int b = 0; b < kBatches; ++b) {
    arrow::Int64Builder n;
    arrow::DoubleBuilder x;
    arrow::StringBuilder s;
    for (int i = 0; i < 50'000; ++i) {
      const std::int64_t row = b * 50'000 + i;
      ASSERT_TRUE(n.Append(row).ok());
      ASSERT_TRUE(x.Append(double(row * 7919 % 10'007) / 7).ok());
      ASSERT_TRUE(s.Append("key " + std::to_string(row * 31 % 977)).ok());
    }
    batches.push_back(arrow::RecordBatch::Make(
        arrow::schema({arrow::field("n", arrow::int64()), arrow::field("x", arrow::float64()),
                       arrow::field("s", arrow::utf8())}),
        50'000, {*n.Finish(), *x.Finish(), *s.Finish()}));
  }
  sdk::WriteDataset(folder, batches);
}

class SameBytes : public ::testing::TestWithParam<const char*> {};

TEST_P(SameBytes, ForEveryNumberOfThreadsAndEveryTime) {
  if (!FindDuckdb()) GTEST_SKIP() << FindDuckdb().error().message;
  const TestFolder folder;
  WriteRows(folder / "d");
  std::set<std::string> digests;
  for (const char* threads : {"1", "2", "4"}) {
    ASSERT_EQ(::setenv("OMP_NUM_THREADS", threads, 1), 0);
    for (int i = 0; i < Repeats(); ++i) {
      std::filesystem::remove_all(folder / "out");
      sdk::Step step({{"sql", GetParam()}},
                     {{"dataset", {folder / "d", "", ""}}, {"second", {folder / "d", "", ""}}},
                     {{"dataset", folder / "out"}}, "");
      const auto ok = RunQuery(step);
      ASSERT_TRUE(ok) << ok.error().message;
      digests.insert(Sha256Hex(*ReadFile(folder / "out/part-00000.parquet")));
    }
  }
  ::unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(digests.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Queries, SameBytes,
    ::testing::Values(
        "SELECT *, n * 2 AS m FROM dataset WHERE x > 100",
        "SELECT count(*) AS c, min(x) AS lo, max(s) AS hi FROM dataset",
        "SELECT s, sum(x) AS a, avg(x) AS b, stddev(x) AS c, corr(x, n) AS d FROM dataset GROUP BY "
        "s",
        "SELECT s, sum(x) AS a FROM dataset GROUP BY s ORDER BY s",
        "SELECT s, first(n) AS f, list(n)[1:3] AS l, string_agg(n::VARCHAR, ',')[1:50] AS t FROM "
        "dataset WHERE n % 50 = 0 GROUP BY s",
        "SELECT n FROM dataset ORDER BY s LIMIT 1000",
        "SELECT n, s FROM dataset WHERE x > 50 LIMIT 10000",
        "SELECT n, random() AS r, uuid() AS u FROM dataset USING SAMPLE 5000 ROWS",
        "SELECT n, row_number() OVER () AS i, sum(x) OVER (PARTITION BY s ORDER BY x) AS t FROM "
        "dataset",
        "SELECT a.n, b.x FROM dataset a JOIN second b ON a.s = b.s WHERE a.n % 200 = 0 AND b.n % "
        "100 = 0"));

}  // namespace
}  // namespace penstock::query
