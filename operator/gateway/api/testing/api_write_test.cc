// What people do through the API, by whose right, and what is written down of it.
#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/gateway/api/testing/api_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kRuns = "/namespaces/team/runs";

class ApiWrites : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    Start();
  }
  net::HttpResponse Post(const std::string& path, const Json& body,
                         const std::string& token = "alice-token") const {
    return Ask("POST", path, token, body, {{"X-Penstock-Request", "1"}});
  }
  std::string audit() {
    const std::lock_guard lock(audit_mutex_);
    return audit_;
  }
};

TEST_F(ApiWrites, ARunIsMadeWithTheCallersOwnTokenAndNamesHim) {
  const auto reply =
      Post(kRuns, {{"pipeline", "flights"}, {"name", "mine"}, {"parameters", {{"epochs", 7}}}});
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_THAT(tokens_used_, ElementsAre("alice-token"));
  EXPECT_EQ(reply.Header("x-penstock-command"), "penstock run flights -n team -p epochs=7");
  const Json run = cluster_.Get(kube::kPipelineRuns, "team", "mine").value();
  EXPECT_EQ(run["metadata"]["annotations"]["penstock.dev/submitted-by"], "alice");
  EXPECT_EQ(run["spec"]["parameters"]["epochs"], 7);
  EXPECT_EQ(BodyOf(reply)["phase"], "Pending");
  EXPECT_THAT(audit(), HasSubstr(R"("audit":"startRun")"));
  EXPECT_THAT(audit(), HasSubstr(R"("outcome":"done")"));
  EXPECT_THAT(audit(), HasSubstr(R"("user":"alice")"));
}

TEST_F(ApiWrites, APageOfAnotherSiteCannotWrite) {
  const auto reply = Ask("POST", kRuns, "alice-token", {{"pipeline", "flights"}});
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("X-Penstock-Request"));
  EXPECT_TRUE(tokens_used_.empty());
}

TEST_F(ApiWrites, WhoMayOnlyLookIsRefusedAndThatIsWrittenDown) {
  const auto reply = Post(kRuns, {{"pipeline", "flights"}}, "bob-token");
  EXPECT_EQ(reply.status, 403);
  EXPECT_TRUE(tokens_used_.empty());
  EXPECT_THAT(audit(), HasSubstr(R"("outcome":"Forbidden")"));
  EXPECT_THAT(audit(), HasSubstr(R"("user":"bob")"));
}

TEST_F(ApiWrites, AnUnknownFieldOrPipelineIsNamed) {
  const auto field = Post(kRuns, {{"pipeline", "flights"}, {"paramters", Json::object()}});
  EXPECT_EQ(field.status, 400);
  EXPECT_EQ(BodyOf(field)["error"]["field"], "paramters");
  const auto missing = Post(kRuns, Json::object());
  EXPECT_EQ(BodyOf(missing)["error"]["field"], "pipeline");
  EXPECT_EQ(Post(kRuns, {{"pipeline", "absent"}}).status, 404);
}

// On an API server that name is the path of all Pipelines; the operator crashed on what it made.
TEST_F(ApiWrites, ARunOfAPipelineWithoutANameIsRefusedBeforeAnyIsAskedFor) {
  const auto reply = Post(kRuns, {{"pipeline", ""}});
  EXPECT_EQ(reply.status, 400) << reply.body;
  EXPECT_EQ(BodyOf(reply)["error"]["field"], "pipeline");
}

TEST_F(ApiWrites, ADeletedRunIsRunAgainWithItsParameters) {
  const auto reply = Post(kRuns + "/flights-0/rerun", {{"parameters", {{"epochs", 9}}}});
  ASSERT_EQ(reply.status, 202) << reply.body;
  const Json run =
      cluster_.Get(kube::kPipelineRuns, "team", BodyOf(reply)["name"].get<std::string>()).value();
  EXPECT_EQ(run["spec"]["parameters"]["epochs"], 9);
  EXPECT_EQ(run["spec"]["pipelineRef"]["name"], "flights");
}

TEST_F(ApiWrites, ADeletedRunIsDoneAgainFromAStepOrFromWhatFailed) {
  const auto reply =
      Post(kRuns + "/flights-0/rerun", {{"from", {"train"}}, {"parameters", {{"epochs", 9}}}});
  ASSERT_EQ(reply.status, 202) << reply.body;
  EXPECT_THAT(reply.Header("x-penstock-command"),
              HasSubstr("penstock rerun flights-0 -n team --from train -p epochs=9"));
  const auto run = [&](const auto& answer) {
    return cluster_.Get(kube::kPipelineRuns, "team", BodyOf(answer)["name"]).value();
  };
  EXPECT_EQ(run(reply)["spec"]["rerun"], Json({{"of", "flights-0"}, {"from", {"train"}}}));
  EXPECT_EQ(run(reply)["spec"]["parameters"], Json({{"epochs", 9}}));
  EXPECT_EQ(run(reply)["spec"]["scheduledTime"], Get(kRuns + "/flights-0")["created"])
      << "it is for what the former run was for";
  const auto failed = Post(kRuns + "/flights-0/rerun", {{"from", Json::array()}});
  ASSERT_EQ(failed.status, 202) << failed.body;
  EXPECT_EQ(run(failed)["spec"]["rerun"], Json({{"of", "flights-0"}}));
  const auto wrong = Post(kRuns + "/flights-0/rerun", {{"from", {1}}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(BodyOf(wrong)["error"]["field"], "from");
  const auto absent = Post(kRuns + "/flights-0/rerun", {{"from", {"absent"}}});
  EXPECT_EQ(absent.status, 400);
  EXPECT_THAT(absent.body, HasSubstr("no step absent; it has ingest, train"));
}

// The page's rerun told of these that there was none.
TEST_F(ApiWrites, ARunThatWasWrittenInPlaceIsDoneAgainFromAStep) {
  Json inline_run = cluster_.Get(kube::kPipelineRuns, "team", "flights-1").value();
  const Json pipeline = cluster_.Get(kube::kPipelines, "team", "flights").value();
  inline_run["metadata"] = {{"name", "once-1"}, {"namespace", "team"}, {"uid", "uid-once-1"}};
  inline_run["spec"].erase("pipelineRef");
  inline_run["spec"]["pipelineSpec"] = pipeline["spec"];
  inline_run["spec"]["ttlAfterFinished"] = "1h";
  cluster_.Restore(kube::kPipelineRuns, inline_run);
  EXPECT_EQ(Post(kRuns + "/once-1/rerun", Json::object()).status, 400);
  const auto reply = Post(kRuns + "/once-1/rerun", {{"from", {"train"}}});
  ASSERT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(reply.Header("x-penstock-command"), "penstock rerun once-1 -n team --from train");
  const std::string name = BodyOf(reply)["name"];
  EXPECT_THAT(name, ::testing::StartsWith("once-1-"));
  const Json run = cluster_.Get(kube::kPipelineRuns, "team", name).value();
  EXPECT_EQ(run["spec"]["pipelineSpec"], pipeline["spec"]);
  EXPECT_EQ(run["spec"]["rerun"], Json({{"of", "once-1"}, {"from", {"train"}}}));
  EXPECT_EQ(run["spec"]["ttlAfterFinished"], "1h");
  EXPECT_FALSE(run["spec"].contains("parameters"));
}

TEST_F(ApiWrites, ARunThatGoesOnIsNotDoneAgain) {
  ASSERT_EQ(Post(kRuns, {{"pipeline", "flights"}, {"name", "mine"}}).status, 201);
  const auto reply = Post(kRuns + "/mine/rerun", {{"from", Json::array()}});
  EXPECT_EQ(reply.status, 409) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("has not ended"));
}

TEST_F(ApiWrites, ARunOfADayThatPublishesNothingIsThatWhenItIsDoneAgain) {
  Json day = cluster_.Get(kube::kPipelineRuns, "team", "flights-1").value();
  day["metadata"] = {{"name", "flights-day"}, {"namespace", "team"}, {"uid", "uid-flights-day"}};
  day["spec"]["publish"] = false;
  day["spec"]["scheduledTime"] = "2026-11-03T00:00:00Z";
  cluster_.Restore(kube::kPipelineRuns, day);  // as it stands, with how it ended
  EXPECT_EQ(Get(kRuns + "/flights-day")["asked"],
            Json({{"pipelineRef", {{"name", "flights"}}},
                  {"publish", false},
                  {"scheduledTime", "2026-11-03T00:00:00Z"}}));
  for (const Json& body : {Json::object(), Json({{"from", Json::array()}})}) {
    const auto reply = Post(kRuns + "/flights-day/rerun", body);
    ASSERT_EQ(reply.status, 202) << reply.body;
    const Json run =
        cluster_.Get(kube::kPipelineRuns, "team", BodyOf(reply)["name"].get<std::string>()).value();
    EXPECT_EQ(run["spec"]["publish"], false);
    EXPECT_EQ(run["spec"]["scheduledTime"], "2026-11-03T00:00:00Z");
  }
}

TEST_F(ApiWrites, ARunThatDidAnotherOneAgainIsRunAgainWithAllItsParameters) {
  Json first = cluster_.Get(kube::kPipelineRuns, "team", "flights-1").value();
  Json again = first;
  again["metadata"] = {{"name", "flights-again"}, {"namespace", "team"}};
  again["spec"]["rerun"] = {{"of", "flights-1"}};
  again["spec"].erase("parameters");
  ASSERT_TRUE(cluster_.Create(kube::kPipelineRuns, "team", again));
  ASSERT_TRUE(cluster_.MergePatch(kube::kPipelineRuns, "team", "flights-again",
                                  {{"status", {{"revision", first["status"]["revision"]}}}},
                                  {.subresource = "status"}));
  const auto reply = Post(kRuns + "/flights-again/rerun", Json::object());
  ASSERT_EQ(reply.status, 202) << reply.body;
  const Json run =
      cluster_.Get(kube::kPipelineRuns, "team", BodyOf(reply)["name"].get<std::string>()).value();
  EXPECT_FALSE(run["spec"].contains("rerun"));
  const Json all = Get(kRuns + "/flights-again")["parameters"];
  EXPECT_EQ(all["epochs"], 5);
  EXPECT_EQ(run["spec"]["parameters"]["epochs"], all["epochs"]);
  EXPECT_EQ(run["spec"]["parameters"].size(), all.size());
}

TEST_F(ApiWrites, WhoMayMakeRunsAndSeeNoneLearnsNothingOfARunByRunningItAgain) {
  client_.people["carol-token"] = "carol";
  client_.makers = {"carol team"};
  const auto reply = Post(kRuns + "/flights-0/rerun", Json::object(), "carol-token");
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("may not get pipelineruns"));
  EXPECT_EQ(reply.Header("x-penstock-command"), "");
  EXPECT_TRUE(tokens_used_.empty());
}

TEST_F(ApiWrites, ARunThatGoesOnIsCancelledAndOneThatEndedIsNot) {
  EXPECT_EQ(Post(kRuns + "/flights-1/cancel", Json::object()).status, 409);
  ASSERT_EQ(Post(kRuns, {{"pipeline", "flights"}, {"name", "mine"}}).status, 201);
  const auto reply = Post(kRuns + "/mine/cancel", Json::object());
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(cluster_.Get(kube::kPipelineRuns, "team", "mine").value()["spec"]["cancel"], "Stop");
}

TEST_F(ApiWrites, AnApprovalSaysWhoDecided) {
  ASSERT_EQ(Post(kRuns, {{"pipeline", "flights"}, {"name", "mine"}}).status, 201);
  EXPECT_EQ(Post(kRuns + "/mine/approve", {{"step", "ask"}, {"approved", true}}).status, 409);
  kube::PatchOptions status;
  status.subresource = "status";
  ASSERT_TRUE(cluster_.MergePatch(
      kube::kPipelineRuns, "team", "mine",
      {{"status",
        {{"steps", {{{"name", "ask"}, {"phase", "Running"}, {"reason", "AwaitingApproval"}}}}}}},
      status));
  const auto reply =
      Post(kRuns + "/mine/approve",
           {{"step", "ask"}, {"approved", true}, {"comment", "it's fine\r\nX-Evil: 1"}});
  ASSERT_EQ(reply.status, 202) << reply.body;
  const auto approvals = cluster_.List(kube::kApprovals, "team", {});
  ASSERT_EQ(approvals->items.size(), 1U);
  const auto approval = api::DecodeApproval(approvals->items[0]).value;
  EXPECT_EQ(approval.spec.user, "alice");
  EXPECT_EQ(approval.spec.decision, api::Decision::kApprove);
  EXPECT_THAT(std::string(reply.Header("x-penstock-command")),
              HasSubstr("--comment 'it'\\''s fine  X-Evil: 1'"));
  EXPECT_EQ(reply.Header("x-evil"), "");
}

TEST_F(ApiWrites, AStepThatWaitsForPeopleSaysWhatTheyFillIn) {
  MakeWaitingRun();
  EXPECT_EQ(Get(kRuns + "/ship-1")["graph"]["nodes"][0]["kind"], "approval");
  const Json go = Get(kRuns + "/ship-1/steps/go");
  EXPECT_EQ(go["why"], "AwaitingApproval: Ship it? - waits for 2 approvals by group ml-leads");
  EXPECT_EQ(go["approval"]["need"], 2);
  EXPECT_EQ(go["approval"]["values"], Json::parse(R"([
      {"name": "environment", "type": "string", "enum": ["staging", "production"]},
      {"name": "share", "type": "integer", "minimum": 1, "maximum": 50, "default": 5,
       "optional": true}])"));
  EXPECT_FALSE(Get(kRuns + "/flights-1/steps/train").contains("approval"));
}

TEST_F(ApiWrites, TheStepOfARolloutThatWaitsForPeopleIsDecided) {
  const std::string approve = "/namespaces/team/models/delays/approve";
  const auto early = Post(approve, {{"approved", true}});
  EXPECT_EQ(early.status, 409) << early.body;
  EXPECT_THAT(early.body, HasSubstr("waits for no approval"));
  EXPECT_FALSE(Get("/namespaces/team/models/delays")["rollout"].contains("approval"));
  auto md =
      api::DecodeModelDeployment(cluster_.Get(kube::kModelDeployments, "team", "delays").value())
          .value;
  md.spec.rollout.steps.resize(1);
  md.spec.rollout.steps[0].approval.emplace();
  md.spec.rollout.steps[0].approval->message = "Compare the week's complaints";
  md.spec.rollout.steps[0].approval->need = 2;
  md.status.candidate->phase = api::kPhasePaused;
  cluster_.Restore(kube::kModelDeployments, api::Encode(md));
  EXPECT_EQ(
      Get("/namespaces/team/models/delays")["rollout"]["approval"],
      Json({{"need", 2}, {"message", "Compare the week's complaints"}, {"values", Json::array()}}));
  EXPECT_EQ(Post(approve, {{"approved", true}}, "bob-token").status, 403);
  EXPECT_EQ(BodyOf(Post(approve, Json::object()))["error"]["field"], "approved");
  EXPECT_EQ(
      BodyOf(Post(approve, {{"approved", true}, {"values", Json::object()}}))["error"]["field"],
      "values");
  for (const Json& other : {Json{{"approved", true}, {"version", 3}, {"step", 1}},
                            Json{{"approved", true}, {"version", 4}, {"step", 2}}}) {
    const auto late = Post(approve, other);  // another has come in since it was looked at
    EXPECT_EQ(late.status, 409) << late.body;
    EXPECT_THAT(late.body, HasSubstr("version 4, step 1 waits now"));
  }
  EXPECT_EQ(BodyOf(Post(approve, {{"approved", true}, {"step", "1"}}))["error"]["field"], "step");
  const auto reply = Post(
      approve, {{"approved", false}, {"comment", "not on a Friday"}, {"version", 4}, {"step", 1}});
  ASSERT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(reply.Header("x-penstock-command"),
            "penstock rollout reject delays -n team --comment 'not on a Friday'");
  const auto approvals = cluster_.List(kube::kApprovals, "team", {});
  ASSERT_EQ(approvals->items.size(), 1U);
  const auto approval = api::DecodeApproval(approvals->items[0]).value;
  EXPECT_EQ(approval.spec.user, "alice");
  EXPECT_EQ(approval.spec.decision, api::Decision::kReject);
  EXPECT_EQ(approval.spec.model_deployment, "delays");
  EXPECT_EQ(approval.spec.model_version, 4);
  EXPECT_EQ(approval.spec.step, "1");
  EXPECT_EQ(Post(approve, {{"approved", true}}).status, 409) << "one a person";
}

TEST_F(ApiWrites, ARolloutIsSteeredByTheVersionThatItIsMeantFor) {
  const auto reply = Post("/namespaces/team/models/delays/promote", Json::object());
  ASSERT_EQ(reply.status, 202) << reply.body;
  const Json md = cluster_.Get(kube::kModelDeployments, "team", "delays").value();
  EXPECT_EQ(md["metadata"]["annotations"]["penstock.dev/promote"], "4");
  EXPECT_EQ(reply.Header("x-penstock-command"), "penstock rollout promote delays -n team");
}

}  // namespace
}  // namespace penstock::gateway
