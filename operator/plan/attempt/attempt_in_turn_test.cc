// How an attempt of several containers in turn has ended, and whose fault an eviction is.
#include <gtest/gtest.h>

#include "operator/plan/attempt/attempt.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

Json Ended(const std::string& name, int exit_code, const std::string& message,
           const std::string& reason = "") {
  Json end{{"exitCode", exit_code},
           {"message", message},
           {"startedAt", "2026-11-21T12:00:00Z"},
           {"finishedAt", "2026-11-21T12:00:05Z"}};
  if (!reason.empty()) end["reason"] = reason;
  return {{"name", name}, {"state", {{"terminated", end}}}};
}
Json Running(const std::string& name) {
  return {{"name", name}, {"state", {{"running", {{"startedAt", "2026-11-21T12:00:00Z"}}}}}};
}
Json Waiting(const std::string& name, const std::string& reason) {
  return {{"name", name}, {"state", {{"waiting", {{"reason", reason}}}}}};
}
std::string Said(TaskOutcome outcome, int exit_code, const std::string& text) {
  TerminationMessage m;
  m.outcome = outcome;
  m.exit_code = exit_code;
  m.message = text;
  return FormatTerminationMessage(m);
}
const std::string kHandedOn = Said(TaskOutcome::kSucceeded, 0, "");
const std::string kNotRun = Said(TaskOutcome::kCancelled, 0, "not run");

// Kubernetes lists statuses by name.
PodFact Pod(const char* phase, const std::vector<Json>& statuses) {
  return DecodePod(
      {{"metadata",
        {{"name", "p"},
         {"labels", {{kLabelStep, "a"}}},
         {"annotations", {{kAnnotationContainers, R"(["prepare","build","check"])"}}}}},
       {"status", {{"phase", phase}, {"containerStatuses", statuses}}}});
}
ResolvedStep Step() {
  ResolvedStep s;
  s.name = "a";
  return s;
}
Judgement Judge(const PodFact& pod) {
  const ReceiptAnswer none;
  return JudgePod(pod, Step(), "uid", &none);
}

TEST(InTurn, GoOnUntilAllHaveEnded) {
  const PodFact pod = Pod("Running", {Running("step-build"), Running("step-check"),
                                      Ended("step-prepare", 0, kHandedOn)});
  EXPECT_EQ(pod.phase, PodPhase::kRunning);
  EXPECT_FALSE(pod.exit_code);
  EXPECT_FALSE(pod.outlived) << "its own containers are no strangers";
  EXPECT_EQ(Judge(pod).verdict, Verdict::kLive);
}

TEST(InTurn, AFailureWaitsForTheOthersToEndAsForAStrangersContainer) {
  const PodFact pod =
      Pod("Running", {Ended("step-build", 2, Said(TaskOutcome::kFailed, 2, "make exited")),
                      Running("step-check"), Ended("step-prepare", 0, kHandedOn)});
  EXPECT_TRUE(pod.outlived) << "should they not end by themselves";
  EXPECT_EQ(Judge(pod).verdict, Verdict::kLive);
  EXPECT_EQ(pod.exit_code, 2);
}

TEST(InTurn, OneThatDiedBeforeItsTurnDoesNotHoldTheOthersForEver) {
  const PodFact pod = Pod(
      "Running",
      {Running("step-build"), Ended("step-check", 128, "", "StartError"), Running("step-prepare")});
  EXPECT_TRUE(pod.outlived);
  EXPECT_EQ(pod.container, "check");
  EXPECT_TRUE(pod.finished);
}

TEST(InTurn, APodThatIsDeletedIsWaitedFor) {
  Json deleted{{"metadata",
                {{"name", "p"},
                 {"deletionTimestamp", "2026-11-21T12:00:30Z"},
                 {"annotations", {{kAnnotationContainers, R"(["a","b"])"}}}}},
               {"status",
                {{"phase", "Running"},
                 {"containerStatuses", {Running("step-a"), Ended("step-b", 143, kNotRun)}}}}};
  EXPECT_FALSE(DecodePod(deleted).outlived) << "the first ends within its grace";
}

TEST(InTurn, AreNotStartedBeforeAllAre) {
  EXPECT_FALSE(Pod("Pending", {Waiting("step-build", "ContainerCreating"),
                               Waiting("step-check", "ContainerCreating"), Running("step-prepare")})
                   .started);
  EXPECT_TRUE(
      Pod("Running", {Running("step-build"), Running("step-check"), Running("step-prepare")})
          .started);
}

TEST(InTurn, ASidecarThatCannotStartSaysWhyThePodWaits) {
  const PodFact pod =
      DecodePod({{"metadata", {{"name", "p"}}},
                 {"status",
                  {{"phase", "Pending"},
                   {"initContainerStatuses",
                    {Ended("install", 0, ""), Waiting("sidecar-db", "CrashLoopBackOff")}},
                   {"containerStatuses", Json::array({Waiting("step", "PodInitializing")})}}}});
  EXPECT_EQ(pod.waiting_reason, "CrashLoopBackOff");
}

TEST(InTurn, TheFirstThatFailedSaysWhy) {
  const PodFact pod = Pod(
      "Failed", {Ended("step-build", 2,
                       Said(TaskOutcome::kFailed, 2, "container 'build': make exited with code 2")),
                 Ended("step-check", 143, kNotRun), Ended("step-prepare", 0, kHandedOn)});
  EXPECT_EQ(pod.container, "build");
  const Judgement j = Judge(pod);
  EXPECT_EQ(j.failure, FailureClass::kUser);
  EXPECT_EQ(j.exit_code, 2);
  EXPECT_EQ(j.message, "exit code 2: container 'build': make exited with code 2");
}

TEST(InTurn, OneThatWasKilledForMemoryIsTheOneThatCounts) {
  const PodFact pod =
      Pod("Failed", {Ended("step-build", 137, "", "OOMKilled"), Ended("step-check", 143, kNotRun),
                     Ended("step-prepare", 0, kHandedOn)});
  const Judgement j = Judge(pod);
  EXPECT_EQ(j.failure, FailureClass::kOutOfMemory);
  EXPECT_EQ(j.message, "out of memory, container 'build': exit code 137 (OOMKilled)");
}

TEST(InTurn, TheLastHasTheReceipt) {
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.message = "container 'build': make was allowed to fail";
  m.receipt.emplace();
  m.receipt->run_uid = "uid";
  m.receipt->step = "a";
  m.receipt->pod = "p";
  const PodFact pod = Pod("Running", {Ended("step-build", 0, kHandedOn),
                                      Ended("step-check", 0, FormatTerminationMessage(m)),
                                      Ended("step-prepare", 0, kHandedOn)});
  EXPECT_EQ(pod.phase, PodPhase::kSucceeded);
  const Judgement j = Judge(pod);
  EXPECT_EQ(j.verdict, Verdict::kSucceeded);
  EXPECT_EQ(j.note, "container 'build': make was allowed to fail");
}

TEST(InTurn, AnInjectedContainerOutlivesThemAll) {
  const PodFact pod =
      Pod("Running", {Running("istio-proxy"), Ended("step-build", 0, kHandedOn),
                      Ended("step-check", 1, kHandedOn), Ended("step-prepare", 0, kHandedOn)});
  EXPECT_TRUE(pod.outlived);
}

TEST(InTurn, AContainerThatCannotStartSaysWhyThePodWaits) {
  const PodFact pod =
      Pod("Pending", {Waiting("step-build", "ImagePullBackOff"),
                      Waiting("step-check", "ContainerCreating"), Running("step-prepare")});
  EXPECT_EQ(pod.waiting_reason, "ImagePullBackOff");
}

PodFact Evicted(bool target_of_disruption) {
  Json status{
      {"phase", "Failed"},
      {"reason", "Evicted"},
      {"message", "Usage of EmptyDir volume \"penstock-work\" exceeds the limit \"20Mi\". "}};
  if (target_of_disruption)
    status["conditions"] = Json::array(
        {{{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "TerminationByKubelet"}}});
  return DecodePod({{"metadata", {{"name", "p"}}}, {"status", status}});
}

TEST(Evictions, ForTheStepsOwnLimitAreItsFaultAndForTheNodesNeedAreNot) {
  const Judgement own = Judge(Evicted(false));
  EXPECT_EQ(own.failure, FailureClass::kUser);
  EXPECT_EQ(own.reason, "StorageLimit");
  EXPECT_NE(own.message.find("exceeds the limit"), std::string::npos) << own.message;
  EXPECT_FALSE(own.exit_code);
  EXPECT_EQ(Judge(Evicted(true)).failure, FailureClass::kInfrastructure);
}

// It was said to have failed with exit code 0, for the reason ExitCode.
TEST(Judgements, WhatEndedWellAndLeftWhatIsNotAsDeclaredSaysOfWhat) {
  const auto judge = [](const std::string& said) {
    PodFact pod;
    pod.phase = PodPhase::kFailed;
    pod.exit_code = 1;
    pod.termination_message = Said(TaskOutcome::kFailed, 0, said);
    return Judge(pod);
  };
  const Judgement result = judge("result 'score': 'high' is no number");
  EXPECT_EQ(result.reason, "ResultInvalid");
  EXPECT_EQ(result.message, "result 'score': 'high' is no number");
  EXPECT_EQ(result.failure, FailureClass::kUser);
  EXPECT_EQ(judge("output 'model' was not written to /penstock/outputs/model").reason,
            "OutputMissing");
  EXPECT_EQ(judge("output 'model' is a pipe").reason, "OutputInvalid");
}

}  // namespace
}  // namespace penstock::plan
