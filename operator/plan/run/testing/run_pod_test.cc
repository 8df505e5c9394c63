// What of a run's plan depends on how its pods are shaped: volumes of the run, exit codes, where
// the last attempt runs, notes of steps that succeeded.
#include <gmock/gmock.h>

#include "operator/plan/attempt/pod_programs.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string Mounting(const std::string& name, const std::string& rest = "") {
  return "- {name: " + name + ", container: {image: \"" + kPinned +
         "\", command: [run], volumeMounts: [{name: scratch, mountPath: /s}]}" + rest + "}\n";
}
const std::string kVolume = "volumes: [{name: scratch, claim: {size: 1Gi}}]\n";

std::vector<std::string> Claims(const RunPlan& plan) {
  std::vector<std::string> pods;
  for (const RunAction& a : plan.actions)
    if (const auto* claim = std::get_if<CreateClaim>(&a)) pods.push_back(claim->pod);
  return pods;
}

TEST(PlanRunVolumes, AreMadeBeforeTheFirstPodThatMountsThemAndOnce) {
  RunWorld w(kVolume + "steps:\n" + Step("a") + Mounting("b") +
             Mounting("c", ", dependsOn: [{step: b}]"));
  w.Settle();
  ASSERT_THAT(w.created, UnorderedElementsAre("a/1", "b/1"));
  EXPECT_THAT(Claims(w.plan), ElementsAre()) << "the plan after it";
  RunWorld again(kVolume + "steps:\n" + Mounting("b") + Mounting("c", ", dependsOn: [{step: b}]"));
  again.Step();
  EXPECT_THAT(Claims(again.plan), ElementsAre(again.Pod("b").name));
  again.Step();
  EXPECT_THAT(Claims(again.plan), ElementsAre());
  again.Succeed(again.Pod("b"));
  again.Step();
  ASSERT_THAT(again.created, ElementsAre("b/1", "c/1"));
  EXPECT_THAT(Claims(again.plan), ElementsAre());
}

TEST(PlanRunRetry, OnlyTheExitCodesThatAreNamedAreTriedAgain) {
  const std::string spec = "steps:\n" + Step("a", "retry: {user: {limit: 2, onExitCodes: [75]}}");
  RunWorld w(spec);
  w.Settle();
  w.Fail(w.Pod("a"), 75);
  w.Settle();
  EXPECT_TRUE(w.Status("a").retry_at);
  RunWorld other(spec);
  other.Settle();
  other.Fail(other.Pod("a"), 1);
  other.Settle();
  EXPECT_EQ(other.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_THAT(other.Status("a").message, HasSubstr("retry.user.onExitCodes does not name it"));
}

TEST(PlanRunRetry, ExitCodesSayNothingOfOtherClasses) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 2, onExitCodes: [75]}}"));
  w.Settle();
  w.End(w.Pod("a"), Message(TaskOutcome::kCancelled, 143));
  w.Pod("a").disrupted = true;
  w.Settle();
  EXPECT_TRUE(w.Status("a").retry_at);
}

TEST(PlanRunRetry, TheLastOfTheRetriesRunsWhereLastAttemptSays) {
  RunWorld w("steps:\n" + Step("a",
                               "nodeSelector: {pool: spot}, retry: {user: {limit: 2}, lastAttempt: "
                               "{nodeSelector: {pool: on-demand}}}"));
  w.Settle();
  for (int attempt = 1; attempt <= 2; ++attempt) {
    EXPECT_EQ(w.objects[w.Pod("a", attempt).name]["spec"]["nodeSelector"]["pool"], "spot");
    w.Fail(w.Pod("a", attempt));
    w.Settle();
    w.now += 10min;
    w.Settle();
  }
  EXPECT_EQ(w.objects[w.Pod("a", 3).name]["spec"]["nodeSelector"]["pool"], "on-demand");
}

TEST(PlanRun, AStepThatSwallowedAnOomKillSaysSo) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.oom_killed = true;
  m.message = "python succeeded, but 1 of its processes was killed for lack of memory";
  m.receipt = w.ReceiptOf(w.Pod("a"));
  w.End(w.Pod("a"), m);
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("a").message, m.message);
  w.Step();
  EXPECT_EQ(w.Status("a").message, m.message) << "and it stays";
}

}  // namespace
}  // namespace penstock::plan
