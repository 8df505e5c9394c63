#include <gmock/gmock.h>

#include "operator/plan/model/testing/model_world.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(PlanModels, AVersionThatFindsNoNodeWaitsIsStalledInTimeAndGoesOn) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {Waiting(2, "Unschedulable", "no room")};
  now_ += 3600s;  // by nobody's clock but the Deployment controller's
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "False Unschedulable");
  EXPECT_EQ(Is("Reconciling"), "True Unschedulable");
  EXPECT_THAT(Says("Ready"), HasSubstr("0 of 2 replicas are ready; Unschedulable: no room"));
  ASSERT_EQ(plan_.events.size(), 1U);
  EXPECT_EQ(plan_.events[0].reason, "Unschedulable");
  Version(2).deadline_exceeded = true;
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Stalled"), "True ProgressDeadlineExceeded");
  EXPECT_THAT(Says("Stalled"), HasSubstr("Unschedulable: no room"));
  EXPECT_EQ(Is("Available"), "True Serving");
  EXPECT_THAT(plan_.status.history, ::testing::SizeIs(1));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_THAT(plan_.events, IsEmpty());
  o_.pods.clear();  // room was made
  Ready(2);
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Available");
}

TEST_F(PlanModels, AnOperatorWhoseClockIsWrongDecidesTheSame) {
  const auto decided = [this](std::chrono::seconds ahead) {
    Begin();
    now_ = kNoon;
    std::vector<std::string> did;
    const auto step = [&] {
      for (auto& action : Step()) did.push_back(action);
      did.push_back(Is("Ready") + ", " + Is("Stalled"));
    };
    step();
    now_ += ahead;  // between the Deployment's creation, which the API server stamps, and now
    o_.pods = {Waiting(1, "Unschedulable", "no room")};
    step();
    Ready(1);
    step();
    Follow('b');
    step();
    Ready(2);
    step();
    o_.endpoints = {{2, 2}};
    step();
    return did;
  };
  const auto right = decided(0s);
  EXPECT_EQ(decided(600s), right);
  EXPECT_EQ(decided(-600s), right);
}

TEST_F(PlanModels, ACorrectedSpecGoesIntoTheVersionThatWaits) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {Waiting(2, "Unschedulable", "no room")};
  Version(2).deadline_exceeded = true;
  Step();
  o_.md.spec.node_selector = {{"disk", "ssd"}};
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1", "apply flights-v2"));
}

TEST_F(PlanModels, ALoadFailureRejectsAtOnceAndSaysWhatTheServerSaid) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {Ended(2, kServeContainer, 1, 3, "model.ts: unknown operator")};
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_THAT(Says("Stalled"), HasSubstr("LoadFailed: exit code 3: model.ts: unknown operator"));
  EXPECT_EQ(plan_.status.history[0].outcome, "Rejected");
  EXPECT_THAT(Step(), ElementsAre("delete flights-v2"));
  o_.pods.clear();
  EXPECT_THAT(Step(), ElementsAre());
  Follow('c');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v3"));
  Follow('b');
  EXPECT_THAT(Step(), ElementsAre("delete flights-v3"));
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
}

TEST_F(PlanModels, ARejectedModelIsTriedAgainUnderAChangedSpec) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {Ended(2, kServeContainer, 1, 3, "there is no column hours")};
  Step();
  o_.md.spec.log.columns = {"hour"};
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1", "apply flights-v3", "delete flights-v2"));
  EXPECT_EQ(plan_.status.candidate->version, 3);
}

TEST_F(PlanModels, AKeyThatComesLateRejectsNoVersionAndOneInTheSpecDoes) {
  const auto unsigned_by = [this](const api::SigningKey& key) {
    Begin();
    Serve();
    o_.md.spec.verify.emplace();
    o_.md.spec.verify->key = key;
    Step();  // the pods of the stable version are made anew
    Follow('b');
    Step();
    o_.pods = {Ended(2, kFetchContainer, 1, kNotSignedExit, "weights is altered")};
    Step();
  };
  api::SigningKey inline_key, of_config_map, of_secret;
  inline_key.pem = "pem";
  unsigned_by(inline_key);
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_EQ(plan_.status.history[0].outcome, "Rejected");
  of_config_map.config_map = api::DataKey{"keys", "a.pem"};
  of_secret.secret = api::DataKey{"keys", "a.pem"};
  for (const auto& key : {of_config_map, of_secret}) {
    unsigned_by(key);
    EXPECT_EQ(Is("Stalled"), "True NotSigned");
    EXPECT_THAT(Says("Stalled"), HasSubstr("NotSigned: weights is altered"));
    EXPECT_THAT(plan_.status.history, ::testing::SizeIs(1));
    EXPECT_EQ(Is("Available"), "True Serving");
    o_.pods.clear();  // the right key came, and the kubelet tried again
    Ready(1);
    Ready(2);
    EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  }
}

TEST_F(PlanModels, NothingButTheServersOwnExitCodeRejectsAModel) {
  for (const auto& pod :
       {Ended(2, kFetchContainer, 9, 3, "the store does not answer"),
        Ended(2, kServeContainer, 9, 137, ""), Ended(2, kServeContainer, 9, 1, "port in use"),
        Waiting(2, "ImagePullBackOff", "no such image"), Waiting(2, "Unschedulable", "quota")}) {
    Begin();
    Serve();
    Follow('b');
    Step();
    o_.pods = {pod};
    Version(2).deadline_exceeded = true;
    Step();
    EXPECT_TRUE(plan_.status.candidate) << pod.last_message << pod.waiting_reason;
    EXPECT_EQ(Is("Stalled").substr(0, 4), "True");
    EXPECT_THAT(plan_.status.history, ::testing::SizeIs(1));
  }
}

TEST_F(PlanModels, AServerThatCrashesAgainAndAgainIsStalledBeforeTheDeadline) {
  Step();
  o_.pods = {Ended(1, kServeContainer, 2, 139, "")};
  Step();
  EXPECT_EQ(Is("Reconciling"), "True CrashLoop");
  EXPECT_EQ(plan_.requeue_after, 5'000ms);
  o_.pods[0].restarts = 3;
  Step();
  EXPECT_EQ(Is("Stalled"), "True CrashLoop");
  EXPECT_EQ(Is("Available"), "False NoVersion");
  EXPECT_TRUE(plan_.status.candidate);
}

TEST_F(PlanModels, AServerThatRunsAgainAndAPodThatGoesAreNoTrouble) {
  Step();
  o_.pods = {Ended(1, kServeContainer, 5, 137, "")};
  o_.pods[0].waiting_reason.clear();
  o_.pods[0].running = true;
  Step();
  EXPECT_EQ(Is("Reconciling"), "True RollingOut");
  o_.pods[0].running = false;
  o_.pods[0].ending = true;  // evicted
  Step();
  EXPECT_EQ(Is("Reconciling"), "True RollingOut");
}

TEST_F(PlanModels, ReplicasThatTheApiServerRefusesAreToldInItsWords) {
  Step();
  Version(1).replica_failure = "pods \"x\" is forbidden: exceeded quota: compute";
  Step();
  EXPECT_EQ(Is("Reconciling"), "True FailedCreate");
  EXPECT_THAT(Says("Ready"), HasSubstr("exceeded quota: compute"));
  EXPECT_EQ(plan_.events[0].reason, "FailedCreate");
}

TEST_F(PlanModels, WhatTheApiServerRefusesIsToldAndStalledWhenItLasts) {
  o_.refusals = {{"Deployment flights-v1", {ErrorKind::kQuota, "exceeded quota: objects"}, 5s}};
  Step();
  EXPECT_EQ(Is("Reconciling"), "True QuotaExceeded");
  EXPECT_THAT(Says("Ready"), HasSubstr("Deployment flights-v1: exceeded quota: objects"));
  EXPECT_EQ(plan_.events.back().reason, "QuotaExceeded");
  o_.refusals[0].since = 10min;
  Step();
  EXPECT_EQ(Is("Stalled"), "True QuotaExceeded");
  o_.refusals[0].since = 0s;  // a new operator counts anew
  Step();
  EXPECT_EQ(Is("Stalled"), "True QuotaExceeded");
  o_.refusals[0].why.kind = ErrorKind::kForbidden;
  o_.refusals.push_back({"Service flights", {ErrorKind::kQuota, "no more services"}, 1s});
  Step();
  EXPECT_EQ(Is("Stalled"), "True Forbidden");
  EXPECT_THAT(Says("Stalled"), HasSubstr("Service flights: no more services"));
  o_.refusals.clear();
  Step();
  EXPECT_EQ(Is("Reconciling"), "True RollingOut");
}

TEST_F(PlanModels, WhatCannotBeReadIsToldAndNothingIsDecided) {
  Serve();
  const auto served = plan_.status;
  o_.seen = false;
  o_.deployments.clear();
  o_.service.reset();
  o_.refusals = {{"reading what it made", {ErrorKind::kForbidden, "deployments is forbidden"}, 1s}};
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Is("Stalled"), "True Forbidden");
  EXPECT_THAT(Says("Stalled"), HasSubstr("reading what it made: deployments is forbidden"));
  EXPECT_EQ(plan_.status.stable->version, served.stable->version);
  EXPECT_EQ(plan_.status.replicas, served.replicas);
}

TEST(DecodeServingPod, ReadsHowTheLastContainerEnded) {
  const auto fact = DecodeServingPod(Json::parse(R"({"metadata":{"name":"x","labels":{
    "penstock.dev/model-deployment":"m","penstock.dev/model-version":"2"}},"status":{
    "containerStatuses":[{"name":"serve","restartCount":2,
      "state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},
      "lastState":{"terminated":{"exitCode":3,"message":"bad\nmodel"}}}],
    "initContainerStatuses":[{"name":"fetch","restartCount":1,"state":{"terminated":
      {"exitCode":0}}}]}})"));
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->version, 2);
  EXPECT_EQ(fact->restarts, 3);
  EXPECT_EQ(fact->last_exit_code, 3);
  EXPECT_EQ(fact->last_message, "bad model");
  EXPECT_FALSE(DecodeServingPod(Json::object()));
}

TEST(DecodeServingPod, TellsNoFailedFetchAfterOneThatDid) {
  const char* pod = R"({"metadata":{"name":"x","labels":{
    "penstock.dev/model-deployment":"m","penstock.dev/model-version":"2"}},"status":{
    "containerStatuses":[{"name":"serve","state":{"waiting":{"reason":"PodInitializing"}}}],
    "initContainerStatuses":[{"name":"fetch","restartCount":2,
      "state":{"terminated":{"exitCode":0}},
      "lastState":{"terminated":{"exitCode":4,"message":"x is altered"}}}]}})";
  Json status = Json::parse(pod);
  EXPECT_EQ(DecodeServingPod(status)->last_container, "");
  status["status"]["initContainerStatuses"][0]["state"] = {{"running", Json::object()}};
  EXPECT_EQ(DecodeServingPod(status)->last_exit_code, 4);
}

TEST(DecodeDeployment, TakesOnlyWhatItsOwnerControls) {
  EXPECT_FALSE(DecodeDeployment(Json::object(), "uid"));
  EXPECT_FALSE(DecodeService(Json::object(), "uid"));
}

}  // namespace
}  // namespace penstock::plan
