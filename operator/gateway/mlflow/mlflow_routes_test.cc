#include "operator/gateway/mlflow/mlflow_routes.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <tuple>

#include "operator/base/json.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Sent : public net::Exchange {
 public:
  Sent(std::string method, std::string path, std::string body, std::string token)
      : method_(std::move(method)), body_(std::move(body)), token_(std::move(token)) {
    const auto mark = path.find('?');
    path_ = path.substr(0, mark);
    if (mark != std::string::npos) query_ = path.substr(mark + 1);
  }
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return name == "Authorization" && !token_.empty() ? "Bearer " + token_ : "";
  }
  std::optional<std::uint64_t> ContentLength() const override { return body_.size(); }
  bool ExpectsContinue() const override { return false; }
  std::stop_token stop() const override { return {}; }
  Result<std::string_view> ReadBody() override {
    const std::string_view rest = std::string_view(body_).substr(read_);
    read_ = body_.size();
    return rest;
  }
  void Respond(int s, const std::string&, const std::string& b, const net::Headers&) override {
    status = s;
    answer = Json::parse(b);
  }
  void RespondFile(int, const fs::path&, std::uint64_t, std::uint64_t,
                   const net::Headers&) override {
    FAIL();
  }
  void RespondStream(int, std::uint64_t, const net::Headers&,
                     const std::function<Result<void>(const Take&)>&) override {
    FAIL();
  }
  bool BeginStream(int, const std::string&, const net::Headers&) override { return false; }
  bool SendPiece(std::string_view) override { return false; }

  int status = 0;
  Json answer;

 private:
  std::string method_, path_, query_, body_, token_;
  std::size_t read_ = 0;
};

// Alice may do all in `team`, Rita only read there.
class TwoPeople : public Access {
 public:
  Result<Caller> WhoIs(net::Exchange& x) override {
    const std::string token = x.Header("Authorization").substr(7);
    if (token == "alice" || token == "rita") return Caller{token, {}, token};
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "the token is not accepted";
    return e;
  }
  Result<bool> May(const Caller& caller, const std::string& ns, const Right& right,
                   const std::stop_token&) override {
    return ns == "team" && right.resource == "pipelineruns" &&
           (caller.user == "alice" || right.verb == "list");
  }
};

class MlflowRoutes : public ::testing::Test {
 protected:
  MlflowRoutes() {
    std::string name = (fs::temp_directory_path() / "penstock-mlflow-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    tracking_ =
        std::make_unique<metadata::Tracking>(metadata::SqliteFile(folder_ / "metadata.sqlite"));
    AddMlflow(router_, {tracking_.get(), &access_, &bodies_, &clock_, {}});
  }
  ~MlflowRoutes() override {
    tracking_.reset();
    fs::remove_all(folder_);
  }

  // The answer; its status in status_.
  Json Ask(const std::string& method, const std::string& target, const std::string& body = "",
           const std::string& token = "alice", const std::string& ns = "team") {
    Sent sent(method, "/mlflow/" + ns + "/api/2.0/mlflow/" + target, body, token);
    router_.Dispatch(sent);
    status_ = sent.status;
    return sent.answer;
  }
  Json Post(const std::string& target, const Json& body) {
    return Ask("POST", target, body.dump());
  }
  std::string NewRun(const Json& more = Json::object()) {
    Json body{{"experiment_id", "0"}, {"start_time", 1'700'000'000'000}};
    body.update(more);
    return Post("runs/create", body)["run"]["info"].value("run_id", "");
  }
  Json DataOf(const std::string& run) {
    return Ask("GET", "runs/get?run_id=" + run)["run"]["data"];
  }

  fs::path folder_;
  SystemClock clock_;
  TwoPeople access_;
  BodyBudget bodies_{1ULL << 30};
  std::unique_ptr<metadata::Tracking> tracking_;
  Router router_;
  int status_ = 0;
};

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
