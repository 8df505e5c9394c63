#include <gmock/gmock.h>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/model/testing/model_world.h"
#include "operator/plan/router/router_objects.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(args, HasSubstr("/penstock/store/store.json"));
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
  o_.service_for = 30s;
  EXPECT_THAT(Step(), ElementsAre());  // endpoints still show version 1
  o_.endpoints = {{1, 1}, {2, 2}};
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(plan_.requeue_after, 2'000ms);
  o_.endpoints = {{2, 2}};
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_FALSE(plan_.requeue_after);
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
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
  EXPECT_EQ(Is("Ready"), "False Progressing");
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_EQ(plan_.status.replicas, 5);
  o_.md.spec.resources = Json::parse(R"({"limits":{"memory":"1Gi"}})");
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(Is("Ready"), "False Progressing");
  EXPECT_EQ(plan_.requeue_after, 5'000ms);
}

TEST_F(PlanModels, WhatSomebodyDeletedComesBack) {
  Serve();
  o_.deployments.clear();
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(Is("Available"), "False NoReplica");
  Ready(1);
  o_.service.reset();
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  EXPECT_EQ(Is("Ready"), "False Progressing");
  EXPECT_EQ(Is("Available"), "False NoService");
  EXPECT_THAT(Step(), ElementsAre());
  EXPECT_EQ(Is("Ready"), "True Available");
  o_.store.reset();
  EXPECT_THAT(Step(), ElementsAre("apply flights-store"));
  o_.service->labelled = false;  // its deletion would not be noticed
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
  o_.md.spec.rollout.strategy = api::RolloutStrategy::kRecreate;
  Serve();
  Follow('b');
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  o_.pods = {Ended(2, kServeContainer, 1, 3, "no such operator")};
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
  EXPECT_EQ(plan_.requeue_after, 10'000ms);
  o_.foreign_service = false;
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
}

TEST_F(PlanModels, AMissingArtifactIsLookedForAgain) {
  o_.target.reset();
  o_.look_again = 8s;
  Step();
  EXPECT_EQ(plan_.requeue_after, 8'000ms);
  EXPECT_EQ(Is("Reconciling"), "True WaitingForModel");
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

TEST_F(PlanModels, AnotherReleaseOfTheOperatorRestartsNoServer) {
  Serve();
  settings_ = {};
  settings_.serve_image = "serve:2";
  settings_.launcher_image = "launcher:2";
  settings_.launcher_path = "/elsewhere";
  settings_.run_as_user = 1;
  settings_.token_audience = "another";
  settings_.store.url = "https://other:8443";
  settings_.store.ca_pem = "another authority";
  EXPECT_THAT(Step(), ElementsAre("apply flights-store"));
  EXPECT_THAT(*o_.store, HasSubstr("another authority"));
  EXPECT_EQ(Is("Ready"), "True Available");
  o_.md.spec.replicas = 3;
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
  o_.md.spec.replicas = 2;
  Step();
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre());
  Follow('b');  // the next version is of the new release
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  EXPECT_EQ(last_["spec"]["template"]["spec"]["containers"][0]["image"], "serve:2");
}

TEST_F(PlanModels, ServersAreRenewedWhenTheyAreAskedTo) {
  Serve();
  settings_.serve_image = "serve:2";
  o_.md.meta.annotations[kAnnotationRenew] = "1";
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(last_["spec"]["template"]["spec"]["containers"][0]["image"], "serve:2");
  EXPECT_EQ(Is("Ready"), "False Progressing");
}

TEST_F(PlanModels, WhatPodsAreMadeOfIsTheSpecAlone) {
  const std::string plain = TemplateHash(o_.md);
  o_.md.spec.replicas = 7;
  o_.md.spec.model = "sha256:" + std::string(64, 'a');
  o_.md.spec.rollout.progress_deadline = 1s;
  o_.md.spec.rollout.strategy = api::RolloutStrategy::kRecreate;
  o_.md.spec.log.retention = 5s;
  o_.md.spec.disruption.max_unavailable = "50%";
  EXPECT_EQ(TemplateHash(o_.md), plain);
  o_.md.spec.expose.jwt.emplace();
  const std::string guarded = TemplateHash(o_.md);
  EXPECT_NE(guarded, plain) << "connections to pods from before go past the routers";
  o_.md.spec.expose.jwt->issuer = "https://another";
  o_.md.spec.expose.tls.emplace();
  EXPECT_EQ(TemplateHash(o_.md), guarded);
  o_.md.spec.expose = {};
  EXPECT_EQ(TemplateHash(o_.md), plain);
  o_.md.spec.server.queue = 7;
  EXPECT_NE(TemplateHash(o_.md), plain);
}

TEST_F(PlanModels, ADrainIsNotHeldUpByServersOfACandidateThatDoNotComeUp) {
  const auto covered = [&] {
    const Json budget = BuildDisruptionBudget(o_.md);
    EXPECT_EQ(o_.companions.at(Companion::kDisruptionBudget).made_of, MadeOf(budget));
    return budget["spec"]["selector"]["matchLabels"].value("penstock.dev/model-version", "all");
  };
  Serve();
  Follow('b');
  Step();
  Step();
  ASSERT_TRUE(plan_.status.candidate);
  EXPECT_EQ(covered(), "1");
  Ready(2);
  EXPECT_THAT(Step(), ElementsAre("switch to 2"));
  Step();
  Step();
  EXPECT_EQ(covered(), "2");
}

// The old pod is available and the new one crashes: counts of the newest and of all do not tell.
TEST_F(PlanModels, AreNotReadyWhilePodsOfAnEarlierTemplateAnswerForThem) {
  Serve();
  o_.deployments[0].total_replicas = o_.deployments[0].updated_replicas + 1;
  Step();
  EXPECT_EQ(Is("Ready").substr(0, 5), "False");
  EXPECT_EQ(Is("Available").substr(0, 4), "True");
}

}  // namespace
}  // namespace penstock::plan
