// A candidate under traffic: how a ModelDeployment goes through its stages.
#include "operator/plan/model/model_rollout.h"

#include <gmock/gmock.h>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/testing/model_world.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RolledOutModels : public PlanModels {
 protected:
  RolledOutModels() {
    o_.md.meta.resource_version = "100";
    o_.router_port = 20001;
    auto& rollout = o_.md.spec.rollout;
    rollout.strategy = api::RolloutStrategy::kCanary;
    rollout.steps.resize(2);
    rollout.steps[0] = {"5%", 60s, {}};
    rollout.steps[1] = {"50%", 300s, {}};
    rollout.gates.resize(1);
    rollout.gates[0].metric = api::kErrorRate;
    rollout.gates[0].max = "1%";
  }
  // Version 1 is served through a router.
  void ServeByRouter() {
    Serve();
    RouterFact& router = o_.routers.emplace_back();
    router.pod = "router-1";
    router.run = "1";
    router.ready = true;
    router.acknowledged = "100";
    router.endpoints = {{1, 2}, {2, 2}};
    router.versions.resize(2);
    router.versions[0].version = 1;
    router.versions[1].version = 2;
    o_.ready_routers = 1;
    for (int i = 0; i < 5 && !Step().empty(); ++i) {
    }
    ASSERT_TRUE(o_.service->to_routers);
  }
  // Version 2 is Ready, and the routers know it.
  void Candidate() {
    ServeByRouter();
    Follow('b');
    Step();
    Ready(2);
    o_.endpoints = {{1, 2}, {2, 2}};
    Step();
    Step();
  }
  // So many answers of version 2, and some of version 1.
  void Answer(std::int64_t requests, std::int64_t errors) {
    auto& versions = o_.routers[0].versions;
    versions[0].requests += requests * 10;
    versions[1].requests += requests;
    versions[1].server_errors += errors;
  }
  void Pass(std::chrono::seconds time) { now_ += time; }
  std::string Traffic() const {
    std::string text;
    for (const auto& t : plan_.status.traffic)
      text += (text.empty() ? "" : ", ") + std::to_string(t.version) + ": " + t.weight +
              (t.shadow.empty() ? "" : " shadow " + t.shadow);
    return text;
  }
  const api::ModelVersionStatus& Status() const { return *plan_.status.candidate; }
};

TEST_F(RolledOutModels, GetNoTrafficBeforeTheirPodsAreReadyInTheEndpoints) {
  ServeByRouter();
  EXPECT_EQ(Traffic(), "1: 100%");
  Follow('b');
  Step();
  EXPECT_EQ(Traffic(), "1: 100%");
  Ready(2);
  o_.endpoints = {{1, 2}};
  Step();
  EXPECT_EQ(Traffic(), "1: 100%");
  EXPECT_EQ(Status().phase, api::kPhaseStarting);
  EXPECT_THAT(Says("Ready"), HasSubstr("waits until the routers"));
  o_.endpoints = {{1, 2}, {2, 2}};
  Step();
  EXPECT_EQ(Traffic(), "1: 95%, 2: 5%");
  EXPECT_EQ(plan_.status.traffic[1].max_error_rate, "1%");
  EXPECT_EQ(plan_.status.stable->weight, "95%");
  EXPECT_EQ(Status().phase, api::kPhaseStep);
  EXPECT_EQ(Status().step, 1);
  EXPECT_EQ(Is("Ready"), "False RollingOut");
  EXPECT_EQ(Is("Available"), "True Serving");
}

TEST_F(RolledOutModels, GoStepByStepAndArePromotedWithoutARestart) {
  Candidate();
  Answer(2'000, 0);
  Pass(59s);
  Step();
  EXPECT_EQ(Traffic(), "1: 95%, 2: 5%") << "the hold is not over";
  Pass(1s);
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Traffic(), "1: 50%, 2: 50%");
  EXPECT_EQ(Status().step, 2);
  EXPECT_THAT(Status().gates, IsEmpty());
  Answer(2'000, 0);
  Pass(300s);
  EXPECT_THAT(Step(), ElementsAre("switch to 2 by routers"));
  EXPECT_EQ(Traffic(), "1: 0%, 2: 100%");
  EXPECT_EQ(Is("Ready"), "False Promoting");
  // The routers have not heard of it yet.
  o_.md.meta.resource_version = "101";
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.status.stable->version, 2);
  EXPECT_EQ(Traffic(), "2: 100%");
  EXPECT_FALSE(plan_.status.candidate);
  o_.routers[0].acknowledged = "101";
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), ElementsAre("delete Service flights-v1"));
  EXPECT_EQ(Is("Ready"), "True Available");
}

TEST_F(RolledOutModels, WithTooManyErrorsAreRolledBackWithTheEvidence) {
  Candidate();
  Answer(500, 40);
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Traffic(), "1: 100%");
  EXPECT_FALSE(plan_.status.candidate);
  const auto& entry = plan_.status.history[0];
  EXPECT_EQ(entry.outcome, kRolledBack);
  EXPECT_EQ(entry.version, 2);
  EXPECT_THAT(entry.reason, HasSubstr("errorRate is 8%"));
  EXPECT_THAT(entry.reason, HasSubstr("40 of 500 requests failed"));
  ASSERT_EQ(entry.gates.size(), 1U);
  EXPECT_EQ(entry.gates[0].verdict, "Fail");
  EXPECT_EQ(plan_.events.back().reason, "RolledBack");
  EXPECT_EQ(Is("Ready"), "False RolledBack");
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_EQ(Is("Available"), "True Serving");
  // Its pods stay until no router sends them anything.
  o_.md.meta.resource_version = "101";
  EXPECT_THAT(Step(), IsEmpty());
  o_.routers[0].acknowledged = "101";
  EXPECT_THAT(Step(), ElementsAre("delete flights-v2"));
  for (int i = 0; i < 3; ++i) Step();
  EXPECT_EQ(o_.deployments.size(), 1U) << "it is not tried again";
  o_.md.meta.annotations[kAnnotationRenew] = "1";
  Step();
  EXPECT_EQ(Status().version, 3) << "another spec";
}

TEST_F(RolledOutModels, AreRolledBackWhenARouterTookTheirWeightAway) {
  Candidate();
  o_.routers[0].ejected = 2;
  o_.routers[0].ejected_why = "90 of 100 requests failed";
  Step();
  EXPECT_THAT(plan_.status.history[0].reason, HasSubstr("router router-1: 90 of 100"));
}

TEST_F(RolledOutModels, AreJudgedByWhatANewOperatorSees) {
  Candidate();
  Answer(5'000, 0);
  Step();
  o_.evidence = {};  // it begins anew, and so do its counts
  Pass(60s);
  Step();
  EXPECT_EQ(Status().step, 1);
  Answer(2'000, 0);
  Step();
  EXPECT_EQ(Status().step, 2);
}

TEST_F(RolledOutModels, WaitForAPersonWhereNothingIsDecided) {
  Candidate();
  Answer(10, 0);
  Pass(60s + 600s);
  Step();
  EXPECT_EQ(Status().phase, api::kPhasePaused);
  EXPECT_EQ(Is("Ready"), "False Paused");
  EXPECT_THAT(Says("Ready"), HasSubstr("not decided within progressDeadline"));
  EXPECT_EQ(Traffic(), "1: 95%, 2: 5%");
  o_.md.meta.annotations[api::kAnnotationResume] = "2/2";  // another step
  Step();
  EXPECT_EQ(Status().step, 1);
  o_.md.meta.annotations[api::kAnnotationResume] = "2/1";
  Step();
  EXPECT_EQ(Status().step, 2);
  EXPECT_EQ(Status().phase, api::kPhaseStep);
}

TEST_F(RolledOutModels, AreHeldPromotedAndAbortedByPeopleWhoNameThem) {
  Candidate();
  auto& annotations = o_.md.meta.annotations;
  annotations[api::kAnnotationPromote] = "1";
  annotations[api::kAnnotationAbort] = "3";
  annotations[api::kAnnotationPause] = "2";
  Answer(2'000, 0);
  Pass(1h);
  Step();
  EXPECT_EQ(Status().phase, api::kPhasePaused);
  EXPECT_EQ(Status().step, 1);
  annotations.erase(api::kAnnotationPause);
  o_.md.spec.rollout.paused = true;
  Step();
  EXPECT_EQ(Status().step, 1);
  o_.md.spec.rollout.paused = false;
  annotations[api::kAnnotationPromote] = "2";
  EXPECT_THAT(Step(), ElementsAre("switch to 2 by routers"));
}

TEST_F(RolledOutModels, AreAborted) {
  Candidate();
  o_.md.meta.annotations[api::kAnnotationAbort] = "2";
  Step();
  EXPECT_EQ(Traffic(), "1: 100%");
  EXPECT_THAT(plan_.status.history[0].reason, HasSubstr("penstock.dev/abort"));
}

TEST_F(RolledOutModels, LoseTheirTrafficWhileNoneOfTheirPodsIsThereAndGoOnAfterwards) {
  Candidate();
  Version(2).available_replicas = 0;
  Version(2).ready_replicas = 0;
  o_.endpoints = {{1, 2}};
  Step();
  EXPECT_EQ(Traffic(), "1: 100%, 2: 0%");
  EXPECT_EQ(Status().step, 1);
  Ready(2);
  o_.endpoints = {{1, 2}, {2, 2}};
  Step();
  EXPECT_EQ(Traffic(), "1: 95%, 2: 5%");
}

TEST_F(RolledOutModels, GetCopiesFirstWhereAShadowIsAsked) {
  o_.md.spec.rollout.shadow.emplace();
  o_.md.spec.rollout.shadow->percent = "20%";
  o_.md.spec.rollout.shadow->compare.emplace();
  o_.md.spec.rollout.shadow->compare->max_flips = "10%";
  o_.md.spec.rollout.shadow->compare->output = "probability";
  Candidate();
  EXPECT_EQ(Traffic(), "1: 100%, 2: 0% shadow 20%");
  EXPECT_EQ(plan_.status.traffic[1].compare_output, "probability");
  o_.routers[0].versions[1].compared = 1'000;
  o_.routers[0].versions[1].flips = 400;
  Step();
  EXPECT_THAT(plan_.status.history[0].reason, HasSubstr("decisionFlips is 40%"));
}

TEST_F(RolledOutModels, ArePreviewedWhereABlueGreenIsNotPromotedByItself) {
  o_.md.spec.rollout = {};
  o_.md.spec.rollout.auto_promote = false;
  Candidate();
  Pass(10h);
  Step();
  EXPECT_EQ(Traffic(), "1: 100%, 2: 0%");
  EXPECT_EQ(Is("Ready"), "False Preview");
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  EXPECT_THAT(Step(), ElementsAre("switch to 2 by routers"));
}

TEST_F(RolledOutModels, AskTheirGatesAndAreRolledBackByThem) {
  auto& gate = o_.md.spec.rollout.gates[0];
  gate = {};
  gate.name = "smoke";
  gate.http = api::HttpGate{"http://smoke/$(candidate.version)?of=$(name)", 200, ""};
  gate.failures = 2;
  Candidate();
  ASSERT_EQ(plan_.questions.size(), 1U);
  EXPECT_EQ(plan_.questions[0].gate.http->url, "http://smoke/2?of=flights");
  o_.measurements = {{"smoke", now_, {}, false, ""}};
  Step();
  EXPECT_THAT(plan_.questions, IsEmpty()) << "until its interval is over";
  Pass(30s);
  Step();
  EXPECT_EQ(plan_.questions.size(), 1U);
  o_.measurements = {{"smoke", now_, {}, false, ""}};
  Step();
  EXPECT_EQ(plan_.status.history[0].outcome, kRolledBack);
}

TEST_F(RolledOutModels, ThatComeBackGoByStepsWhereTheSpecSaysSo) {
  Candidate();
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  Step();
  Step();
  ASSERT_EQ(plan_.status.stable->version, 2);
  o_.md.spec.rollout.undo_by_steps = true;
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  Step();
  Ready(1);
  Step();
  Step();
  EXPECT_EQ(Traffic(), "2: 95%, 1: 5%");
  EXPECT_EQ(Status().step, 1);
  auto& versions = o_.routers[0].versions;
  versions[0].requests += 2'000;
  versions[0].server_errors += 400;  // it is worse than what it came back for
  Pass(10s);
  Step();
  EXPECT_EQ(plan_.status.history[0].outcome, kRolledBack);
  EXPECT_EQ(plan_.status.history[0].version, 1);
  EXPECT_EQ(plan_.status.stable->version, 2);
  EXPECT_EQ(Traffic(), "2: 100%");
}

TEST_F(RolledOutModels, OfTheFirstVersionTakeAllTrafficAtOnce) {
  EXPECT_THAT(Step(), testing::Contains("apply flights-v1"));
  Ready(1);
  EXPECT_THAT(Step(), testing::Contains("switch to 1"));
}

TEST_F(RolledOutModels, ShowNumbersInStatusOnlyNowAndThen) {
  Candidate();
  Answer(100, 0);
  Pass(2s);
  Step();
  const auto shown = Status().gates[0].samples;
  Answer(100, 0);
  Pass(2s);
  Step();
  EXPECT_EQ(Status().gates[0].samples, shown);
  Pass(10s);
  Step();
  EXPECT_EQ(Status().gates[0].samples, 200);
}

TEST_F(RolledOutModels, KeepTheirPodsUntilNoRouterSendsThemAnythingWhenAnotherModelComes) {
  Candidate();
  Follow('c');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v3"));
  EXPECT_EQ(Traffic(), "1: 100%");
  o_.md.meta.resource_version = "101";
  EXPECT_THAT(Step(), testing::Not(testing::Contains("delete flights-v2")));
  o_.routers[0].acknowledged = "101";
  EXPECT_THAT(Step(), testing::Contains("delete flights-v2"));
}

// --- the way back

class UndoneModels : public PlanModels {
 protected:
  UndoneModels() {
    Serve();
    Follow('b');
    Step();
    Ready(2);
    Step();
    Step();
    o_.service_for = 31s;
    o_.endpoints = {{2, 2}};
    Step();  // version 1 is gone
  }
};

TEST_F(UndoneModels, ComeBackByteForByteUnderTheirOldNumber) {
  ASSERT_EQ(o_.deployments.size(), 1U);
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_THAT(last_.dump(), HasSubstr(Digest('a')));
  EXPECT_EQ(plan_.status.history[0].outcome, kRolledBack);
  EXPECT_EQ(plan_.status.history[0].to, 1);
  EXPECT_EQ(Is("Available"), "True Serving");
  Ready(1);
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.status.stable->version, 1);
  EXPECT_EQ(Is("Stalled"), "True RolledBack");
  EXPECT_THAT(Says("Stalled"), HasSubstr("undone: version 1 comes back"));
  o_.service_for = 31s;
  o_.endpoints = {{1, 2}};
  EXPECT_THAT(Step(), ElementsAre("delete flights-v2"));
  EXPECT_THAT(Step(), IsEmpty()) << "the word is stale now";
}

TEST_F(UndoneModels, GoOnWithTheNextModel) {
  o_.md.meta.annotations[api::kAnnotationUndo] = "2/1";
  Step();
  Ready(1);
  Step();
  Step();
  Follow('c');
  EXPECT_THAT(Step(), testing::Contains("apply flights-v3"));
}

TEST_F(UndoneModels, StayWhereTheyAreWhenTheOldModelDoesNotLoadAnyMore) {
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  Step();
  o_.pods = {Ended(1, kServeContainer, 1, 3, "no such operator")};
  Step();
  EXPECT_THAT(Step(), ElementsAre("delete flights-v1"));
  EXPECT_THAT(Step(), IsEmpty()) << "it is not tried again";
  EXPECT_EQ(plan_.status.stable->version, 2);
  EXPECT_EQ(Is("Available"), "True Serving");
}

TEST_F(UndoneModels, SayWhatTheyCannotGoBackTo) {
  for (const char* wish : {"2/7", "2/x", "2/2"}) {
    o_.md.meta.annotations[api::kAnnotationUndo] = wish;
    EXPECT_THAT(Step(), IsEmpty()) << wish;
    EXPECT_THAT(Says("Ready"), HasSubstr("the history has no such version")) << wish;
  }
  o_.md.meta.annotations[api::kAnnotationUndo] = "1";
  Step();
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_THAT(Says("Ready"), testing::Not(HasSubstr("undo"))) << "meant for another version";
}

}  // namespace
}  // namespace penstock::plan
