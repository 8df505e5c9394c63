#include "operator/plan/rollout/decision.h"

#include <gmock/gmock.h>

namespace penstock::rollout {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

api::RolloutSpec Canary() {
  api::RolloutSpec spec;
  spec.strategy = api::RolloutStrategy::kCanary;
  spec.steps.resize(3);
  spec.steps[0] = {"5%", 60s, {}};
  spec.steps[1].pause = api::PauseStep{"look"};
  spec.steps[2] = {"50%", 300s, {}};
  return spec;
}

Judgement Says(Verdict verdict) {
  Judgement j;
  j.verdict = verdict;
  j.status.name = "errorRate";
  j.status.value = "3%";
  j.status.lower = "2%";
  j.status.upper = "5%";
  return j;
}

class Decisions : public ::testing::Test {
 protected:
  Decision Of(std::size_t stage, std::vector<Judgement> gates = {}) {
    return Decide(spec_, StagesOf(spec_)[stage], s_, gates);
  }

  api::RolloutSpec spec_ = Canary();
  Situation s_;
};

TEST(Stages, AreTheShadowThenTheSteps) {
  api::RolloutSpec spec = Canary();
  spec.shadow.emplace();
  const auto stages = StagesOf(spec);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[0].shadow, "100%");
  EXPECT_EQ(stages[0].weight, "0%");
  EXPECT_EQ(stages[2].kind, StageKind::kPause);
  EXPECT_EQ(stages[2].weight, "5%");
  EXPECT_EQ(stages[2].evidence, stages[1].evidence);
  EXPECT_NE(stages[3].evidence, stages[1].evidence);
}

TEST(Stages, BeginWithTheExperimentWhichHasEvidenceOfItsOwn) {
  api::RolloutSpec spec = Canary();
  spec.shadow.emplace();
  spec.experiment.emplace();
  spec.experiment->percent = "40%";
  spec.gates.resize(1);
  spec.gates[0].metric = api::kErrorRate;
  spec.gates[0].max = "1%";
  const auto stages = StagesOf(spec);
  ASSERT_EQ(stages.size(), 5u);
  EXPECT_EQ(stages[0].kind, StageKind::kExperiment);
  EXPECT_EQ(stages[0].weight, "0%");
  EXPECT_EQ(stages[0].shadow, "40%");
  EXPECT_NE(stages[0].evidence, kBeforeTraffic);
  for (std::size_t i = 1; i < stages.size(); ++i) EXPECT_NE(stages[i].evidence, stages[0].evidence);
  EXPECT_STREQ(PhaseOf(stages[0], true), api::kPhaseExperiment);
  EXPECT_EQ(StageOf(stages, api::kPhaseExperiment, 0), 0u);
  EXPECT_EQ(StageOf(stages, api::kPhaseShadow, 0), 1u);
  EXPECT_EQ(JudgeStage(spec, stages[0], Evidence()).size(), 1u) << "without any traffic";
  EXPECT_TRUE(JudgeStage(spec, stages[1], Evidence()).empty());
}

TEST(Stages, KeepTheWeightAndTheEvidenceWherePeopleDecide) {
  api::RolloutSpec spec = Canary();
  spec.steps[1] = {};
  spec.steps[1].approval.emplace();
  const auto stages = StagesOf(spec);
  EXPECT_EQ(stages[1].kind, StageKind::kApproval);
  EXPECT_EQ(stages[1].weight, "5%");
  EXPECT_EQ(stages[1].evidence, stages[0].evidence);
  EXPECT_STREQ(PhaseOf(stages[1], false), api::kPhasePaused);
}

TEST(Stages, AreNoneOfAGateOfRows) {
  api::RolloutSpec spec;
  spec.gates.resize(1);
  spec.gates[0].name = "golden";
  spec.gates[0].rows.emplace();
  EXPECT_TRUE(StagesOf(spec).empty());
  EXPECT_TRUE(JudgeStage(Canary(), StagesOf(Canary())[0], Evidence()).empty());
  spec.strategy = api::RolloutStrategy::kCanary;
  spec.steps = Canary().steps;
  EXPECT_TRUE(JudgeStage(spec, StagesOf(spec)[0], Evidence()).empty());
}

TEST(Stages, OfABlueGreenAreAPreviewOnlyWhereSomethingIsAsked) {
  api::RolloutSpec spec;
  EXPECT_TRUE(StagesOf(spec).empty());
  spec.auto_promote = false;
  ASSERT_EQ(StagesOf(spec).size(), 1u);
  EXPECT_EQ(StagesOf(spec)[0].kind, StageKind::kPreview);
  spec.strategy = api::RolloutStrategy::kRecreate;
  EXPECT_TRUE(StagesOf(spec).empty());
}

TEST(Stages, AreFoundAgainByWhatStatusSays) {
  api::RolloutSpec spec = Canary();
  spec.shadow.emplace();
  const auto stages = StagesOf(spec);
  EXPECT_EQ(StageOf(stages, "", 0), std::nullopt);
  EXPECT_EQ(StageOf(stages, api::kPhaseStarting, 0), std::nullopt);
  for (std::size_t i = 0; i < stages.size(); ++i)
    for (const bool waits : {false, true})
      EXPECT_EQ(StageOf(stages, PhaseOf(stages[i], waits), stages[i].step), i);
  EXPECT_EQ(StageOf(stages, api::kPhaseStep, 9), 3u) << "a step that is no more";
}

TEST_F(Decisions, GoOnWhenTheHoldIsOverAndEachGatePasses) {
  s_.since = 59s;
  EXPECT_EQ(Of(0, {Says(Verdict::kPass)}).move, Move::kStay);
  s_.since = 60s;
  EXPECT_EQ(Of(0, {Says(Verdict::kPass)}).move, Move::kNext);
  const Decision d = Of(0, {Says(Verdict::kPass), Says(Verdict::kInconclusive)});
  EXPECT_EQ(d.move, Move::kStay);
  EXPECT_THAT(d.message, HasSubstr("waits for errorRate"));
}

TEST_F(Decisions, RollBackOnAFailAtOnceWhateverIsHeldOrPaused) {
  s_.paused = "rollout.paused";
  s_.promote = true;
  s_.available = true;
  const Decision d = Of(0, {Says(Verdict::kFail)});
  EXPECT_EQ(d.move, Move::kRollBack);
  EXPECT_EQ(d.message, "errorRate is 3% (surely between 2% and 5%)");
}

TEST_F(Decisions, RollBackWhatPeopleAbortAndWhatARouterEjected) {
  s_.ejected = "router a: too many errors";
  EXPECT_EQ(Of(0).message, "router a: too many errors");
  s_.abort = true;
  EXPECT_EQ(Of(0).move, Move::kRollBack);
  EXPECT_THAT(Of(0).message, HasSubstr("aborted"));
}

TEST_F(Decisions, PauseUntilSomebodyResumes) {
  s_.since = 1000h;
  EXPECT_TRUE(Of(1).waits);
  EXPECT_EQ(Of(1).move, Move::kStay);
  EXPECT_THAT(Of(1).message, HasSubstr("look"));
  s_.resume = true;
  EXPECT_EQ(Of(1).move, Move::kNext);
}

TEST_F(Decisions, StayWhilePausedThoughAllHolds) {
  s_.since = 1h;
  s_.paused = "rollout.paused";
  EXPECT_EQ(Of(0, {Says(Verdict::kPass)}).move, Move::kStay);
  EXPECT_TRUE(Of(0).waits);
}

TEST_F(Decisions, PromoteOnDemandOnlyWhatIsAvailable) {
  s_.promote = true;
  EXPECT_EQ(Of(0).move, Move::kStay);
  s_.available = true;
  EXPECT_EQ(Of(0, {Says(Verdict::kInconclusive)}).move, Move::kPromote);
}

TEST_F(Decisions, DoWithWhatIsNotDecidedWhatOnInconclusiveSays) {
  const std::vector<Judgement> undecided{Says(Verdict::kInconclusive)};
  s_.since = 60s + spec_.progress_deadline;
  EXPECT_TRUE(Of(0, undecided).waits);
  EXPECT_THAT(Of(0, undecided).message, HasSubstr("not decided within progressDeadline (10m)"));
  EXPECT_EQ(Of(0, {Says(Verdict::kPass)}).move, Move::kNext) << "decided after all";
  spec_.on_inconclusive = api::OnInconclusive::kRollback;
  EXPECT_EQ(Of(0, undecided).move, Move::kRollBack);
  spec_.on_inconclusive = api::OnInconclusive::kPromote;
  EXPECT_EQ(Of(0, undecided).move, Move::kNext);
  spec_.on_inconclusive = api::OnInconclusive::kPause;
  s_.resume = true;
  EXPECT_EQ(Of(0, undecided).move, Move::kNext);
  s_.since = 61s;  // resumed before anybody waited for it
  EXPECT_EQ(Of(0, undecided).move, Move::kStay);
}

TEST_F(Decisions, APreviewIsPromotedByPeopleOrByItsGates) {
  spec_ = {};
  spec_.auto_promote = false;
  EXPECT_TRUE(Of(0, {Says(Verdict::kPass)}).waits);
  spec_.auto_promote = true;
  spec_.gates.resize(1);
  EXPECT_EQ(Of(0, {Says(Verdict::kPass)}).move, Move::kNext);
}

TEST(JudgeStage, AsksMetricsUnderTrafficOnly) {
  api::RolloutSpec spec = Canary();
  spec.shadow.emplace();
  spec.shadow->compare.emplace();
  spec.shadow->compare->max_flips = "10%";
  spec.gates.resize(2);
  spec.gates[0].metric = api::kErrorRate;
  spec.gates[0].max = "1%";
  spec.gates[1].name = "smoke";
  spec.gates[1].http.emplace();
  const auto names = [&](std::size_t stage) {
    std::string text;
    for (const auto& j : JudgeStage(spec, StagesOf(spec)[stage], {})) text += j.status.name + " ";
    return text;
  };
  EXPECT_EQ(names(0), "decisionFlips smoke ");
  EXPECT_EQ(names(1), "errorRate smoke ");
}

TEST_F(Decisions, WaitForAnApprovalAndFollowIt) {
  spec_.steps[1] = {};
  spec_.steps[1].approval.emplace();
  s_.available = true;
  s_.resume = true;
  s_.approval_text = "waits for an approval by alice";
  s_.approval_reason = "AwaitingApproval";
  Decision d = Of(1);
  EXPECT_EQ(d.move, Move::kStay);
  EXPECT_TRUE(d.waits);
  EXPECT_EQ(d.message, "step 2: waits for an approval by alice");
  EXPECT_EQ(d.reason, "AwaitingApproval");
  s_.approval = ApprovalState::kRejected;
  s_.approval_text = "rejected by alice";
  EXPECT_EQ(Of(1).move, Move::kRollBack);
  EXPECT_EQ(Of(1).message, "rejected by alice");
  s_.approval = ApprovalState::kApproved;
  EXPECT_EQ(Of(1).move, Move::kNext);
}

TEST_F(Decisions, PromoteNobodyPastAnApprovalThatIsToCome) {
  spec_.steps[1] = {};
  spec_.steps[1].approval.emplace();
  s_.available = true;
  s_.promote = true;
  EXPECT_EQ(Of(0).move, Move::kStay);
  EXPECT_THAT(Of(0).message, HasSubstr("does not go past step 2, which people approve"));
  s_.since = 60s;
  EXPECT_EQ(Of(0).move, Move::kNext) << "its own way goes on";
  EXPECT_EQ(Of(1).move, Move::kStay);
  s_.approval = ApprovalState::kApproved;
  EXPECT_EQ(Of(1).move, Move::kPromote);
  EXPECT_EQ(Of(2).move, Move::kPromote);
}

}  // namespace
}  // namespace penstock::rollout
