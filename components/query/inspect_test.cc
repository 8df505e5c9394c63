#include "components/query/inspect.h"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::query {
namespace {

Json Node(const char* name, const Json& info, const std::vector<Json>& children = {}) {
  return {{"name", name}, {"extra_info", info}, {"children", Json(children)}};
}

bool IsSame(const Json& root, const Json& tree = Json::object()) {
  Inspection inspection;
  inspection.plan = Json::array({root});
  inspection.tree = tree;
  return IsTheSameOnManyThreads(inspection);
}

TEST(ManyThreads, AreForWhatIsKnownToGiveTheSameRows) {
  const Json scan = Node("PARQUET_SCAN ", {});
  EXPECT_TRUE(IsSame(
      Node("PROJECTION", {}, std::vector<Json>{Node("FILTER", {}, std::vector<Json>{scan})})));
  EXPECT_TRUE(IsSame(Node("HASH_JOIN", {{"Join Type", "SEMI"}}, std::vector<Json>{scan, scan})));
  EXPECT_TRUE(IsSame(Node("UNGROUPED_AGGREGATE", {{"Aggregates", {"count_star()", "max(#1)"}}},
                          std::vector<Json>{scan})));
}

TEST(ManyThreads, AreNotForWhatMayDiffer) {
  const Json scan = Node("PARQUET_SCAN", {});
  for (const char* name :
       {"HASH_GROUP_BY", "PERFECT_HASH_GROUP_BY", "ORDER_BY", "TOP_N", "LIMIT", "STREAMING_LIMIT",
        "WINDOW", "STREAMING_WINDOW", "RESERVOIR_SAMPLE", "UNION", "NEVER_HEARD_OF"}) {
    EXPECT_FALSE(IsSame(Node(name, {}, std::vector<Json>{scan}))) << name;
    EXPECT_FALSE(
        IsSame(Node("PROJECTION", {}, std::vector<Json>{Node(name, {}, std::vector<Json>{scan})})))
        << name;
  }
  EXPECT_FALSE(IsSame(Node("HASH_JOIN", {{"Join Type", "INNER"}}, std::vector<Json>{scan, scan})));
  for (const char* call : {"sum(#0)", "avg(#0)", "list(#0)", "first(#0)", "count(DISTINCT #0)"}) {
    EXPECT_FALSE(IsSame(Node("UNGROUPED_AGGREGATE", {{"Aggregates", {"count_star()", call}}},
                             std::vector<Json>{scan})))
        << call;
  }
  EXPECT_FALSE(IsSame(Node("UNGROUPED_AGGREGATE", {}, std::vector<Json>{scan})));
  EXPECT_FALSE(
      IsSame(scan, Json{{"select_list", Json::array({Json{{"function_name", "random"}}})}}));
  EXPECT_FALSE(IsTheSameOnManyThreads(Inspection()));
}

std::string ProblemOf(const std::vector<Inspection::Column>& columns) {
  const auto list = StoredColumns(columns);
  return list ? "accepted" : list.error().message;
}

TEST(StoredColumns, RefusesByNameWhatNoDatasetHolds) {
  EXPECT_NE(ProblemOf({{"took", "INTERVAL"}}).find("column 'took' is of type INTERVAL"),
            std::string::npos);
  EXPECT_NE(ProblemOf({{"took", "INTERVAL"}}).find("epoch(\"took\")"), std::string::npos);
  EXPECT_NE(ProblemOf({{"nothing", "\"NULL\""}}).find("CAST(NULL AS DOUBLE)"), std::string::npos);
  for (const char* type : {"STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "UNION(n INTEGER)",
                           "TIME WITH TIME ZONE", "INTERVAL[]", "A_NEW_ONE"}) {
    const std::string problem = ProblemOf({{"a", "BIGINT"}, {"c", type}});
    EXPECT_NE(problem.find("column 'c'"), std::string::npos) << problem;
    EXPECT_NE(problem.find("CAST("), std::string::npos) << problem;
  }
}

TEST(StoredColumns, RefusesNamesThatAreOneInSql) {
  EXPECT_NE(ProblemOf({{"id", "BIGINT"}, {"ID", "BIGINT"}}).find("'id' and 'ID' are one name"),
            std::string::npos);
  EXPECT_NE(ProblemOf({{"x", "BIGINT"}, {"x", "DOUBLE"}}).find("two columns are called 'x'"),
            std::string::npos);
  EXPECT_EQ(ProblemOf({{"é", "BIGINT"}, {"É", "BIGINT"}}), "accepted");
}

TEST(CheckFunctions, ShowsTheLineAndColumnOfAClock) {
  const std::string sql = "SELECT \"이름\",\n  now() FROM dataset";
  Inspection inspection;
  inspection.unstable = {"now"};
  inspection.tree = {{"function_name", "now"}, {"query_location", sql.find("now")}};
  const auto ok = CheckFunctions(sql, inspection, {});
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("now()"), std::string::npos);
  EXPECT_NE(ok.error().message.find("(line 2, column 3)"), std::string::npos);
}

}  // namespace
}  // namespace penstock::query
