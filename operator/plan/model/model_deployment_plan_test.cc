#include "operator/plan/model/model_deployment_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A cluster of one ModelDeployment, whose Deployments become available when a test says so.
class PlanModels : public ::testing::Test {
 protected:
  PlanModels() {
    o_.md.meta.name = "flights";
    o_.md.meta.namespace_ = "team";
    o_.md.meta.uid = "md-uid";
    o_.md.meta.generation = 1;
    o_.md.spec.replicas = 2;
    settings_.serve_image = "serve:1";
    settings_.launcher_image = "launcher:1";
    settings_.store.url = "https://gateway:8443";
    Follow('a');
  }

  void Follow(char digest) { o_.target = ArtifactRef{Digest(digest), true, 10}; }

  std::vector<std::string> Step() {
    plan_ = PlanModelDeployment(o_, settings_, now_);
    o_.md.status = plan_.status;
    std::vector<std::string> did;
    for (const auto& action : plan_.actions) {
      if (const auto* apply = std::get_if<ApplyDeployment>(&action)) {
        did.push_back("apply " + apply->name);
        Put(apply->deployment);
      } else if (const auto* service = std::get_if<ApplyService>(&action)) {
        o_.service = DecodeService(service->service, "md-uid");
        did.push_back("switch to " + std::to_string(o_.service->version));
      } else {
        const auto& gone = std::get<DeleteDeployment>(action);
        did.push_back("delete " + gone.name);
        std::erase_if(o_.deployments, [&](const auto& d) { return d.name == gone.name; });
      }
    }
    return did;
  }

  void Put(Json object) {
    last_ = object;
    object["metadata"]["uid"] = "uid";
    object["metadata"]["generation"] = 1;
    object["metadata"]["creationTimestamp"] = FormatTime(now_);
    auto fact = DecodeDeployment(object, "md-uid");
    ASSERT_TRUE(fact);
    for (auto& d : o_.deployments)
      if (d.name == fact->name) {
        d.template_hash = fact->template_hash;
        d.spec_replicas = fact->spec_replicas;
        return;
      }
    o_.deployments.push_back(*fact);
  }

  DeploymentFact& Version(std::int64_t v) {
    for (auto& d : o_.deployments)
      if (d.version == v) return d;
    ADD_FAILURE() << "no version " << v;
    return o_.deployments.emplace_back();
  }
  void Ready(std::int64_t v) {
    auto& d = Version(v);
    d.observed_generation = 1;
    d.updated_replicas = d.ready_replicas = d.available_replicas = d.spec_replicas;
  }
  // Serves the first version.
  void Serve() {
    Step();
    Ready(1);
    Step();
    Step();
    o_.endpoints = {{1, 2}};
  }
  std::string Is(const char* type) const {
    const auto* c = api::FindCondition(plan_.status.conditions, type);
    if (c == nullptr) return "absent";
    return std::string(c->status == api::ConditionStatus::kTrue ? "True" : "False") + " " +
           c->reason;
  }
  std::string Says(const char* type) const {
    return api::FindCondition(plan_.status.conditions, type)->message;
  }

  ModelObserved o_;
  ModelSettings settings_;
  ModelPlan plan_;
  TimePoint now_ = kNoon;
  Json last_;
};

TEST_F(PlanModels, LogsListedColumnsIntoTheStoreAndNothingWithoutAList) {
  o_.md.spec.log.sample = "5%";
  Step();
  Json serve = last_["spec"]["template"]["spec"]["containers"][0];
  EXPECT_THAT(serve["args"].dump(), Not(HasSubstr("prediction-log")));
  EXPECT_THAT(serve["volumeMounts"].dump(), Not(HasSubstr("token")));
  o_.md.spec.log.columns = {"hour", "요일"};
  Step();
  serve = last_["spec"]["template"]["spec"]["containers"][0];
  const std::string args = serve["args"].dump();
  EXPECT_THAT(args,
              HasSubstr(R"("--prediction-log-columns","hour","--prediction-log-columns","요일")"));
  EXPECT_THAT(args, HasSubstr(R"("--prediction-log-sample","5%")"));
  EXPECT_THAT(args, HasSubstr(R"("--prediction-log-namespace","team")"));
  EXPECT_THAT(args, HasSubstr("gateway:8443"));
  EXPECT_THAT(serve["volumeMounts"].dump(), HasSubstr(kTokenFolder));
}

TEST_F(PlanModels, TheFirstVersionTakesTheTrafficWhenItIsFullyAvailable) {
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(Is("Ready"), "False RollingOut");
  EXPECT_EQ(Is("Available"), "False NoVersion");
  Ready(1);
  Version(1).available_replicas = 1;
  EXPECT_THAT(Step(), ElementsAre());
  Version(1).available_replicas = 2;
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_EQ(Is("Available"), "True Serving");
  EXPECT_EQ(plan_.status.stable->digest, Digest('a'));
  EXPECT_EQ(plan_.status.url, "http://flights.team.svc");
  EXPECT_EQ(plan_.status.selector,
            "penstock.dev/model-deployment=flights,penstock.dev/model-version=1");
}

TEST_F(PlanModels, TheOldVersionIsUntouchedUntilTheEndpointsHaveSwitched) {
  Serve();
  Follow('b');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  EXPECT_EQ(plan_.status.candidate->version, 2);
  EXPECT_EQ(Is("Available"), "True Serving");
  Ready(2);
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.status.stable->version, 2);
  EXPECT_EQ(plan_.requeue_after, 30'000ms);
  now_ += 30s;
  EXPECT_THAT(Step(), ElementsAre());  // endpoints still show version 1
  o_.endpoints = {{1, 1}, {2, 2}};
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.requeue_after, 2'000ms);
  o_.endpoints = {{2, 2}};
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_FALSE(plan_.requeue_after);
}

TEST_F(PlanModels, ACandidateThatDoesNotGetReadyIsRejectedAndNeverTriedAgain) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {{"x", 2, false, 0, "Unschedulable", "no room", "", 0}};
  now_ += 600s;
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_EQ(Is("Ready"), "False RolledBack");
  EXPECT_EQ(Is("Available"), "True Serving");
  EXPECT_EQ(plan_.status.history[0].outcome, "Rejected");
  EXPECT_THAT(plan_.status.history[0].reason, HasSubstr("Unschedulable: no room"));
  EXPECT_THAT(Step(), ElementsAre("delete flights-v2"));
  EXPECT_THAT(Step(), ElementsAre());
  Follow('c');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v3"));
  Follow('b');
  EXPECT_THAT(Step(), ElementsAre("delete flights-v3"));
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
}

TEST_F(PlanModels, ALoadFailureRejectsAtOnceAndSaysWhatTheServerSaid) {
  Serve();
  Follow('b');
  Step();
  o_.pods = {{"x", 2, false, 1, "CrashLoopBackOff", "", "model.ts: unknown operator", 3}};
  Step();
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_THAT(Says("Stalled"), HasSubstr("LoadFailed: exit code 3: model.ts: unknown operator"));
}

TEST_F(PlanModels, ACrashIsOnlyACrashLoopAtTheThirdRestart) {
  Step();
  o_.pods = {{"x", 1, false, 2, "CrashLoopBackOff", "", "", 1}};
  Step();
  EXPECT_TRUE(plan_.status.candidate);
  EXPECT_EQ(plan_.requeue_after, 5'000ms);
  o_.pods[0].restarts = 3;
  Step();
  EXPECT_EQ(Is("Stalled"), "True Rejected");
  EXPECT_EQ(Is("Available"), "False NoVersion");
}

TEST_F(PlanModels, AnAvailableCandidateIsPromotedEvenAfterItsDeadline) {
  Step();
  Ready(1);
  now_ += 3600s;
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
}

TEST_F(PlanModels, ScalingAndResourcesGoIntoTheStableDeploymentWithoutANewVersion) {
  Serve();
  o_.md.spec.replicas = 5;
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(Is("Ready"), "False Progressing");
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_EQ(plan_.status.replicas, 5);
  o_.md.spec.resources = Json::parse(R"({"limits":{"memory":"1Gi"}})");
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
}

TEST_F(PlanModels, WhatSomebodyDeletedComesBack) {
  Serve();
  o_.deployments.clear();
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(Is("Available"), "False NoReplica");
  Ready(1);
  o_.service.reset();
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
}

TEST_F(PlanModels, ALostStatusIsFoundAgainInTheCluster) {
  Serve();
  o_.md.status = {};
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.status.stable->version, 1);
  EXPECT_EQ(Is("Ready"), "True Available");
}

TEST_F(PlanModels, RecreateEndsTheOldVersionFirstAndBringsItBackAfterARejection) {
  o_.md.spec.strategy = api::ModelDeploymentSpec::Strategy::kRecreate;
  Serve();
  Follow('b');
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  now_ += 600s;
  Step();
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1", "delete flights-v2"));
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
}

TEST_F(PlanModels, WithoutAModelItWaitsAndTheStableOneGoesOn) {
  o_.target.reset();
  o_.target_problem = "Pipeline flights has not published its output model yet";
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Reconciling"), "True WaitingForModel");
  Follow('a');
  Serve();
  o_.target.reset();
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Available"), "True Serving");
}

TEST_F(PlanModels, AForeignServiceIsNotTakenOver) {
  o_.foreign_service = true;
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Stalled"), "True ServiceExists");
}

TEST_F(PlanModels, ThePodsAreRestrictedAndFetchBeforeTheyServe) {
  Step();
  const Json pod = last_["spec"]["template"]["spec"];
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  EXPECT_THAT(pod["initContainers"][0]["command"].dump(),
              AllOf(HasSubstr("fetch"), HasSubstr(Digest('a')), HasSubstr("--folder")));
  EXPECT_EQ(pod["containers"][0]["readinessProbe"]["httpGet"]["path"], "/v2/health/ready");
  EXPECT_EQ(last_["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
  EXPECT_EQ(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
  EXPECT_THAT(pod["containers"][0]["args"].dump(), Not(HasSubstr("$(")));
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

TEST(DecodeDeployment, TakesOnlyWhatItsOwnerControls) {
  EXPECT_FALSE(DecodeDeployment(Json::object(), "uid"));
  EXPECT_FALSE(DecodeService(Json::object(), "uid"));
}

}  // namespace
}  // namespace penstock::plan
