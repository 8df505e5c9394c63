#include <gmock/gmock.h>

#include <set>
#include <tuple>

#include "operator/gateway/mlflow/testing/mlflow_fixture.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

TEST_F(MlflowRoutes, WhoMayOnlyReadMakesNoExperimentByLookingAtTheFirst) {
  const Json looked = Ask("GET", "experiments/get?experiment_id=0", "", "rita");
  EXPECT_EQ(status_, 200);
  EXPECT_EQ(looked["experiment"]["name"], "Default");
  EXPECT_TRUE(Post("experiments/search", Json::object())["experiments"].empty());
  NewRun();
  EXPECT_EQ(Post("experiments/search", Json::object())["experiments"].size(), 1U);
}

TEST_F(MlflowRoutes, ARunIsMadeLoggedToEndedAndFound) {
  const Json made = Post("experiments/create", {{"name", "churn"}});
  ASSERT_EQ(status_, 200) << made;
  const std::string experiment = made["experiment_id"];
  EXPECT_EQ(
      Ask("GET", "experiments/get-by-name?experiment_name=churn")["experiment"]["experiment_id"],
      experiment);
  const std::string run = NewRun({{"experiment_id", experiment}, {"run_name", "first"}});
  Post("runs/log-parameter", {{"run_id", run}, {"key", "lr"}, {"value", "0.1"}});
  EXPECT_EQ(status_, 200);
  Post("runs/log-batch", {{"run_id", run},
                          {"metrics",
                           {{{"key", "auc"}, {"value", 0.5}, {"timestamp", "5"}, {"step", 1}},
                            {{"key", "auc"}, {"value", "NaN"}, {"timestamp", 4}, {"step", 0}}}},
                          {"params", {{{"key", "depth"}, {"value", "3"}}}},
                          {"tags", {{{"key", "team"}, {"value", "x"}}}}});
  ASSERT_EQ(status_, 200);
  const Json ended = Post(
      "runs/update", {{"run_id", run}, {"status", "FINISHED"}, {"end_time", 1'700'000'005'000}});
  EXPECT_EQ(ended["run_info"]["status"], "FINISHED");
  EXPECT_EQ(ended["run_info"]["end_time"], 1'700'000'005'000);
  const Json data = DataOf(run);
  EXPECT_EQ(data["metrics"], Json::parse(R"([{"key": "auc", "value": 0.5, "timestamp": 5,
                                              "step": 1}])"));
  EXPECT_EQ(data["params"].size(), 2U);
  const Json found = Post("runs/search", {{"experiment_ids", {experiment}},
                                          {"filter", "metrics.auc > 0.4 and tags.team = 'x'"},
                                          {"order_by", {"metrics.auc DESC"}}});
  ASSERT_EQ(found["runs"].size(), 1U) << found;
  EXPECT_EQ(found["runs"][0]["info"]["run_name"], "first");
  EXPECT_EQ(found["runs"][0]["info"]["user_id"], "alice");
  const Json history = Ask("GET", "metrics/get-history?metric_key=auc&run_id=" + run);
  ASSERT_EQ(history["metrics"].size(), 2U);
  EXPECT_EQ(history["metrics"][0]["value"], "NaN");
}

TEST_F(MlflowRoutes, PagesOfASearchHoldEachRunOnce) {
  for (int i = 0; i < 5; ++i) NewRun({{"start_time", 1'700'000'000'000 + i}});
  std::vector<std::string> seen;
  Json body{{"experiment_ids", {"0"}}, {"max_results", 2}};
  do {
    const Json page = Post("runs/search", body);
    for (const Json& run : page["runs"]) seen.push_back(run["info"]["run_id"]);
    body["page_token"] = page.value("next_page_token", "");
  } while (body["page_token"] != "");
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 5U);
}

TEST_F(MlflowRoutes, WhatIsWrongIsAnsweredInMlflowsWords) {
  const std::string run = NewRun();
  Post("runs/log-parameter", {{"run_id", run}, {"key", "lr"}, {"value", "0.1"}});
  const std::tuple<const char*, Json, int, const char*, const char*> wrong[]{
      {"runs/log-parameter",
       {{"run_id", run}, {"key", "lr"}, {"value", "0.2"}},
       400,
       "INVALID_PARAMETER_VALUE",
       "has the value '0.1' already"},
      {"runs/log-metric",
       {{"run_id", run}, {"key", "m"}, {"value", "high"}},
       400,
       "INVALID_PARAMETER_VALUE",
       "value is no number, of the metric m"},
      {"runs/log-metric",
       {{"run_id", run}, {"key", "m"}, {"value", 1}, {"step", 1.5}},
       400,
       "INVALID_PARAMETER_VALUE",
       "step is no whole number"},
      {"runs/log-metric",
       {{"run_id", run}, {"key", "m"}, {"value", 1}, {"step", 1e30}},
       400,
       "INVALID_PARAMETER_VALUE",
       "step is no whole number"},
      {"runs/log-metric",
       {{"run_id", "none"}, {"key", "m"}, {"value", 1}},
       404,
       "RESOURCE_DOES_NOT_EXIST",
       "no run with the id none"},
      {"runs/set-tag",
       {{"run_id", run}, {"key", ""}, {"value", "x"}},
       400,
       "INVALID_PARAMETER_VALUE",
       "key is missing"},
      {"runs/set-tag",
       {{"run_id", run}, {"key", "k"}, {"value", std::string(9'000, 'x')}},
       400,
       "INVALID_PARAMETER_VALUE",
       "over 8000 bytes"},
      {"runs/update",
       {{"run_id", run}, {"status", "DONE"}},
       400,
       "INVALID_PARAMETER_VALUE",
       "'DONE' is none of"},
      {"runs/create", {{"experiment_id", "99"}}, 404, "RESOURCE_DOES_NOT_EXIST", "experiment"},
      {"runs/search",
       {{"experiment_ids", {"0"}}, {"filter", "colour = 'red'"}},
       400,
       "INVALID_PARAMETER_VALUE",
       "no attribute 'colour'"},
      {"runs/log-batch",
       {{"run_id", run}, {"metrics", Json(std::vector<int>(1'001))}},
       400,
       "INVALID_PARAMETER_VALUE",
       "send them in several"},
      {"runs/log-model", Json::object(), 404, "ENDPOINT_NOT_FOUND", "docs/mlflow.md"}};
  for (const auto& [target, body, status, code, says] : wrong) {
    const Json answer = Post(target, body);
    EXPECT_EQ(status_, status) << target << answer;
    EXPECT_EQ(answer.value("error_code", ""), code) << target;
    EXPECT_THAT(answer.value("message", ""), HasSubstr(says)) << target;
  }
  Post("experiments/create", {{"name", "twice"}});
  EXPECT_EQ(Post("experiments/create", {{"name", "twice"}})["error_code"],
            "RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(Ask("POST", "runs/create", "[1]")["error_code"], "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(Ask("POST", "runs/create", "{")["error_code"], "INVALID_PARAMETER_VALUE");
}

TEST_F(MlflowRoutes, WhatASearchDoesNotReadIsRefusedAndNotPassedOver) {
  Post("experiments/create", {{"name", "churn"}});
  EXPECT_EQ(Post("experiments/search",
                 {{"view_type", "ACTIVE_ONLY"}, {"order_by", {"name ASC"}}})["experiments"]
                .size(),
            1U);
  EXPECT_EQ(Post("experiments/search", {{"view_type", "ALL"}})["experiments"].size(), 1U);
  EXPECT_TRUE(Post("experiments/search", {{"view_type", "DELETED_ONLY"}})["experiments"].empty());
  EXPECT_EQ(status_, 200);
  const std::tuple<const char*, Json, const char*> wrong[]{
      {"experiments/search", {{"order_by", {"creation_time DESC"}}}, "order_by"},
      {"experiments/search", {{"view_type", "OLD"}}, "view_type: 'OLD' is none"},
      {"runs/search",
       {{"experiment_ids", {"0"}}, {"run_view_type", "deleted"}},
       "run_view_type: 'deleted' is none"}};
  for (const auto& [target, body, says] : wrong) {
    EXPECT_THAT(Post(target, body).value("message", ""), HasSubstr(says));
    EXPECT_EQ(status_, 400) << body;
  }
}

TEST_F(MlflowRoutes, TagsOfAnExperimentAreBounded) {
  const std::string id = Post("experiments/create", {{"name", "churn"}})["experiment_id"];
  Json tag{{"experiment_id", id}, {"key", "k"}, {"value", std::string(9'000, 'x')}};
  EXPECT_THAT(Post("experiments/set-experiment-tag", tag).value("message", ""),
              HasSubstr("over 8000 bytes"));
  EXPECT_EQ(status_, 400);
  tag["value"] = std::string(8'000, 'x');
  for (int i = 0; i < 8; ++i) {
    tag["key"] = std::to_string(i);
    Post("experiments/set-experiment-tag", tag);
    ASSERT_EQ(status_, 200);
  }
  tag["key"] = "one more";
  EXPECT_THAT(Post("experiments/set-experiment-tag", tag).value("message", ""),
              HasSubstr("64 KiB together"));
  EXPECT_EQ(status_, 400);
}

TEST_F(MlflowRoutes, AnswersThatMayBeLargeWaitForTheGatewaysMemory) {
  const std::string run = NewRun();
  BodyBudget::Held others(bodies_, "team");
  ASSERT_TRUE(others.Hold(bodies_.share() - 100));
  const std::string history = "metrics/get-history?metric_key=auc&run_id=" + run;
  Ask("GET", history);
  EXPECT_EQ(status_, 429);
  Ask("GET", "experiments/search");
  EXPECT_EQ(status_, 429);
  Post("experiments/set-experiment-tag", {{"experiment_id", "0"}, {"key", "k"}, {"value", "v"}});
  EXPECT_EQ(status_, 429);
  ASSERT_TRUE(others.Hold(0));
  Ask("GET", history);
  EXPECT_EQ(status_, 200);
}

TEST_F(MlflowRoutes, EveryRouteRefusesEveryWrongIdentity) {
  const auto routes = TakenByMlflow();
  ASSERT_GE(routes.size(), 49U);
  for (const MlflowRoute& route : routes) {
    SCOPED_TRACE(std::string(route.method) + " " + route.path);
    const std::string body = std::string(route.method) == "GET" ? "" : "{}";
    for (const char* token : {"", "mallory"}) {
      EXPECT_EQ(Ask(route.method, route.path, body, token)["error_code"], "UNAUTHENTICATED");
      EXPECT_EQ(status_, 401);
    }
    for (const char* token : {"alice", "rita"}) {
      EXPECT_EQ(Ask(route.method, route.path, body, token, "other")["error_code"],
                "PERMISSION_DENIED");
      EXPECT_EQ(status_, 403);
    }
    Ask(route.method, route.path, body, "rita");
    EXPECT_EQ(status_ == 403, std::string(route.verb) == "create") << "who may only read";
    EXPECT_NE(status_, 401);
  }
}

TEST_F(MlflowRoutes, ANameThatWouldBeAnotherInTheDatabaseIsRefused) {
  const std::string run = NewRun();
  const std::string nul("a\0b", 3);
  const std::pair<const char*, Json> named[]{
      {"experiments/create", {{"name", nul}}},
      {"runs/create", {{"experiment_id", "0"}, {"run_name", nul}}},
      {"runs/log-metric", {{"run_id", run}, {"key", nul}, {"value", 1}}},
      {"registered-models/create", {{"name", nul}}}};
  for (const auto& [target, body] : named) {
    EXPECT_THAT(Post(target, body).value("message", ""), HasSubstr("NUL")) << target;
    EXPECT_EQ(status_, 400) << target;
  }
  Ask("GET", "runs/get?run_id=%FF");
  EXPECT_EQ(status_, 400);
  Ask("GET", "logged-models/%FF");
  EXPECT_EQ(status_, 400);
}

TEST_F(MlflowRoutes, OnlyWhoMayMakeRunsLogsAndOnlyWhoMayListThemReads) {
  const std::string run = NewRun();
  EXPECT_EQ(Ask("GET", "runs/get?run_id=" + run, "", "rita")["run"]["info"]["run_id"], run);
  const std::string metric = Json{{"run_id", run}, {"key", "m"}, {"value", 1}}.dump();
  EXPECT_THAT(Ask("POST", "runs/log-metric", metric, "rita").value("message", ""),
              HasSubstr("rita may not create pipelineruns in namespace team"));
  EXPECT_EQ(status_, 403);
  Ask("GET", "runs/get?run_id=" + run, "", "alice", "other");
  EXPECT_EQ(status_, 403);
  Ask("GET", "runs/get?run_id=" + run, "", "mallory");
  EXPECT_EQ(status_, 401);
  EXPECT_EQ(Ask("GET", "runs/get?run_id=" + run, "", "")["error_code"], "UNAUTHENTICATED");
  EXPECT_EQ(status_, 401);
  EXPECT_TRUE(DataOf(run)["metrics"].empty());
}

TEST_F(MlflowRoutes, ADeletedRunIsHiddenTakesNothingAndComesBack) {
  const std::string run = NewRun();
  const Json search{{"experiment_ids", {"0"}}};
  Post("runs/delete", {{"run_id", run}});
  EXPECT_TRUE(Post("runs/search", search)["runs"].empty());
  EXPECT_THAT(
      Post("runs/set-tag", {{"run_id", run}, {"key", "k"}, {"value", "v"}}).value("message", ""),
      HasSubstr("restore it first"));
  EXPECT_THAT(Post("runs/update", {{"run_id", run}, {"status", "FINISHED"}}).value("message", ""),
              HasSubstr("restore it first"));
  Post("runs/restore", {{"run_id", run}});
  EXPECT_EQ(Post("runs/search", search)["runs"].size(), 1U);
  Post("runs/set-tag", {{"run_id", run}, {"key", "k"}, {"value", "v"}});
  Post("runs/delete-tag", {{"run_id", run}, {"key", "k"}});
  EXPECT_EQ(status_, 200);
  Post("runs/delete-tag", {{"run_id", run}, {"key", "k"}});
  EXPECT_EQ(status_, 404);
}

}  // namespace
}  // namespace penstock::gateway
