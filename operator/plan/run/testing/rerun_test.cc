// Runs that do another one again (spec.rerun): what they take of it, and what they make.
#include "operator/plan/run/rerun.h"

#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/step/step_cache.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A run of `spec` that ended: the steps that are named succeeded, and gave an output each.
std::shared_ptr<FormerRun> Ended(const RunWorld& w, const std::vector<std::string>& succeeded) {
  auto former = std::make_shared<FormerRun>();
  former->run.meta.name = "zeroth";
  former->resolved = w.o.resolved;
  for (const ResolvedStep& step : w.o.resolved->steps) {
    api::StepStatus& s = former->run.status.steps.emplace_back();
    s.name = step.name;
    s.phase = api::StepPhase::kFailed;
    if (std::find(succeeded.begin(), succeeded.end(), step.name) == succeeded.end()) continue;
    s.phase = api::StepPhase::kSucceeded;
    s.attempts = 2;
    s.pod = "zeroth-" + step.name;
    s.cache_key = std::string(64, 'c');
    s.results = {{"r", 7}};
    for (const auto& o : step.outputs) s.outputs.push_back({o.name, o.type, Digest('d'), false, 3});
  }
  return former;
}

struct Rerun : RunWorld {
  Rerun(const std::string& spec, const std::vector<std::string>& succeeded,
        std::vector<std::string> from = {}, const std::map<std::string, Json>& given = {})
      : RunWorld(spec, given) {
    former = Ended(given.empty() ? *this : RunWorld(spec), succeeded);
    o.run.spec.rerun = api::RerunSpec{"zeroth", std::move(from), false};
    o.former = former;
  }
  // The store has whatever is asked for, but for this digest.
  void Go(const std::string& gone = "") {
    for (int i = 0; i < 4; ++i) {
      Settle();
      for (const auto& digest : plan.requests.artifacts)
        o.artifacts[digest].artifact =
            digest == gone ? std::nullopt : std::optional(ArtifactRef{digest, false, 3});
    }
  }
  std::vector<std::string> Taken() {
    std::vector<std::string> names;
    for (const auto& s : plan.status.steps)
      if (s.reason == kTaken) names.push_back(s.name);
    return names;
  }
  std::shared_ptr<FormerRun> former;
};

const std::string kThree = "steps:\n" + Step("a") + Step("b", After("a")) + Step("c", After("b"));

TEST(RerunPlan, TakesWhatSucceededAndRunsWhatFailedAndAllAfterIt) {
  Rerun w(kThree, {"a"});
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, ElementsAre("b/1"));
  const api::StepStatus& a = w.Status("a");
  EXPECT_EQ(a.phase, api::StepPhase::kSucceeded);
  EXPECT_TRUE(a.cached);
  EXPECT_EQ(a.cached_from, "zeroth");
  EXPECT_EQ(a.message, "as run zeroth has it; it was not run again");
  EXPECT_EQ(a.attempts, 0);
  EXPECT_EQ(a.pod, "");
  EXPECT_EQ(a.results.at("r"), 7);
  EXPECT_EQ(w.plan.status.summary.succeeded, 1);
  EXPECT_EQ(w.plan.status.summary.cached, 0) << "the cache was not asked for it";
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("b/1", "c/1"));
}

TEST(RerunPlan, FromAStepTheCacheIsNotAskedForItNorForWhatIsAfterIt) {
  Rerun w(kThree, {"a", "b", "c"}, {"b"});
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_EQ(w.Status("b").cache_miss, kRerun);
  const std::string key = w.Pod("b").cache_key;
  EXPECT_EQ(key.size(), 64U) << "what it makes is kept for others";
  w.Succeed(w.Pod("b"));
  std::erase_if(w.o.run.status.steps, [](const auto& s) { return s.name == "b"; });
  w.Settle();
  EXPECT_EQ(w.Status("b").cache_miss, kRerun) << "also once its pod tells of itself";
  EXPECT_THAT(w.created, ElementsAre("b/1", "c/1"));
  EXPECT_THAT(w.o.cache, IsEmpty());
  EXPECT_THAT(w.recorded, ElementsAre(key));
}

TEST(RerunPlan, WhatFailedIsLookedForInTheCache) {
  Rerun w(kThree, {"a"});
  w.Go();
  EXPECT_FALSE(w.o.cache.empty());
  EXPECT_EQ(w.Status("b").cache_miss, "NotFound");
}

TEST(RerunPlan, NothingStartsBeforeTheStoreHasSaidWhetherWhatIsReadAgainIsThere) {
  Rerun w("steps:\n" + Step("a") + Step("b", After("a")) + Step("other"), {"a"});
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_THAT(w.plan.requests.artifacts, ElementsAre(Digest('d')));
  EXPECT_THAT(w.Status("b").message, HasSubstr("what run zeroth made is looked for"));
  w.o.store_trouble[Digest('d')] = "the disk is away";
  w.Settle();
  EXPECT_EQ(w.Status("other").reason, kStoreUnavailable);
  w.o.store_trouble.clear();
  w.o.artifacts[Digest('d')].artifact = ArtifactRef{Digest('d'), false, 3};
  w.Step();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, IsEmpty()) << "before the status says what is taken";
  EXPECT_TRUE(w.plan.urgent_status);
  w.Settle();
  EXPECT_THAT(w.created, UnorderedElementsAre("b/1", "other/1"));
}

TEST(RerunPlan, WhatIsGoneFromTheStoreIsMadeAgainAndSoIsWhatReadsIt) {
  Rerun w("steps:\n" + Step("a") + Step("b", After("a")) + Step("c", After("a")), {"a", "b"});
  w.Go(Digest('d'));
  EXPECT_THAT(w.Taken(), IsEmpty());
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(RerunPlan, WhatIsGoneAndReadByNobodyAgainIsLeftAsItIs) {
  Rerun w("steps:\n" + Step("a") + Step("b", After("a")) + Step("c"), {"a", "b"});
  w.Go(Digest('d'));
  EXPECT_THAT(w.Taken(), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(w.created, ElementsAre("c/1"));
}

TEST(RerunPlan, AChangedParameterRunsWhatReadsItAlsoInItsCondition) {
  const std::string spec = "parameters: [{name: size, type: integer, default: 1}]\nsteps:\n" +
                           Step("a") + Step("b", "parameters: {size: $(parameters.size)}") +
                           Step("c", After("b")) + Step("d", "when: parameters.size > 0");
  Rerun same(spec, {"a", "b", "c", "d"});
  same.Go();
  EXPECT_THAT(same.Taken(), UnorderedElementsAre("a", "b", "c", "d"));
  Rerun other(spec, {"a", "b", "c", "d"}, {}, {{"size", 2}});
  other.Go();
  EXPECT_THAT(other.Taken(), ElementsAre("a"));
  EXPECT_THAT(other.created, UnorderedElementsAre("b/1", "d/1"));
}

TEST(RerunPlan, FinallyStepsAreMadeAgainAlwaysAndTakeNothingAlongWithThem) {
  Rerun w("steps:\n" + Step("a") + Step("b") + "finally:\n" + Step("tell"), {"a", "tell"});
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, ElementsAre("b/1"));
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("b/1", "tell/1"));
}

TEST(RerunPlan, ASkippedStepIsLookedAtAgainAndDragsNothingAlong) {
  Rerun w("parameters: [{name: size, type: integer, default: 1}]\nsteps:\n" + Step("a") +
              Step("maybe", "when: parameters.size > 5") +
              Step("b", "dependsOn: [{step: maybe, outcome: SucceededOrSkipped}]") + Step("c"),
          {"a", "b"});
  w.former->run.status.steps[1].phase = api::StepPhase::kSkipped;
  w.Go();
  EXPECT_THAT(w.Taken(), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(w.Status("maybe").phase, api::StepPhase::kSkipped);
  EXPECT_THAT(w.created, ElementsAre("c/1"));
}

TEST(RerunPlan, AStepThatMayFailAndDidIsMadeAgainWithWhatFollowsIt) {
  Rerun w("steps:\n" + Step("a", "allowFailure: true") + Step("b", "dependsOn: [{step: a}]") +
              Step("c"),
          {"b"});
  w.former->run.status.steps[0].allowed = true;
  w.Go();
  EXPECT_THAT(w.Taken(), IsEmpty());
  EXPECT_THAT(w.created, UnorderedElementsAre("a/1", "c/1"));
}

std::string Go(const std::string& more = "") {
  return "- {name: go, approval: {approvers: [{user: alice}]" + (more.empty() ? "" : ", " + more) +
         "}}\n";
}

TEST(RerunPlan, AnApprovalOfTheFormerRunHoldsForNoOtherOneAndIsAskedAgain) {
  Rerun w("steps:\n" + Step("a") + Go() + Step("b", "dependsOn: [{step: go}]"), {"a", "go"});
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kPending) << w.Status("go").message;
}

TEST(RerunPlan, AStepThatMountsTheRunsVolumeWithOneThatIsMadeAgainIsMadeAgain) {
  const auto on = [](const std::string& name, const std::string& volume,
                     const std::string& more = "") {
    return "- {name: " + name + ", container: {image: \"" + kPinned +
           "\", command: [run], volumeMounts: [{name: " + volume + ", mountPath: /" + volume +
           "}]}" + more + "}\n";
  };
  const std::string volumes =
      "volumes: [{name: one, claim: {size: 1Gi}}, {name: two, claim: {size: 1Gi}}, {name: three, "
      "claim: {size: 1Gi}}]\nsteps:\n";
  const std::string first = "- {name: first, container: {image: \"" + std::string(kPinned) +
                            "\", command: [run], volumeMounts: [{name: two, mountPath: /t}, "
                            "{name: one, mountPath: /o}]}}\n";
  Rerun w(volumes + on("zeroth", "two") + first +
              on("train", "one", ", dependsOn: [{step: first}]") + on("other", "three"),
          {"zeroth", "first", "other"});
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("other"));
  EXPECT_THAT(w.created, UnorderedElementsAre("zeroth/1", "first/1"))
      << "train mounts one, first fills it, and mounts two, which zeroth fills";
}

TEST(RerunPlan, AStepThatIsAPipelineIsMadeAgainWithTheCachesHelp) {
  Rerun w("steps:\n" + Step("a") +
              "- {name: sub, pipeline: {steps: [{name: s, container: {image: \"" + kPinned +
              "\", command: [run]}}]}}\n" + Step("b"),
          {"a", "sub", "b"});
  w.Go();
  EXPECT_THAT(w.Taken(), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(w.created, ElementsAre("sub/1"));
}

TEST(RerunPlan, WithLatestAStepWhoseImageIsATagIsMadeAgain) {
  const std::string spec =
      "steps:\n" + Step("a") + "- {name: tagged, container: {image: \"tool:1\", command: [run]}}\n";
  Rerun same(spec, {"a", "tagged"});
  same.Go();
  EXPECT_THAT(same.Taken(), UnorderedElementsAre("a", "tagged"));
  Rerun latest(spec, {"a", "tagged"});
  latest.o.run.spec.rerun->latest = true;
  latest.Go();
  EXPECT_THAT(latest.Taken(), ElementsAre("a"));
  EXPECT_THAT(latest.created, ElementsAre("tagged/1"));
}

// Whether it was taken or made here is not known any more: an action is not done twice.
TEST(RerunPlan, AStepWithoutAnEntryThatIsWantedAgainFailsAndIsNotDoneOnceMore) {
  Rerun w(kThree, {"a"});
  w.o.former.reset();
  w.o.run.status.succeeded_indexes = "0";
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("a").message, HasSubstr("whether run zeroth gave it is not known any more"));
}

TEST(RerunPlan, ADaemonServesAgainWhereAStepThatUsesItIsMadeAgainAndDragsNoOthersAlong) {
  const auto user = [](const std::string& name) {
    return "- {name: " + name + ", container: {image: \"" + kPinned +
           "\", command: [ask, $(parameters.db)]}, parameters: {db: $(steps.db.address)}}\n";
  };
  const std::string daemon = "- {name: db, container: {image: \"" + kPinned +
                             "\", command: [serve]}, daemon: {readiness: {tcp: 5432}}}\n";
  const std::string spec = "steps:\n" + daemon + user("a") + user("b") + Step("c");
  Rerun again(spec, {"db", "a"});
  again.Go();
  EXPECT_THAT(again.Taken(), ElementsAre("a"));
  EXPECT_THAT(again.created, UnorderedElementsAre("db/1", "c/1"));
  Rerun without(spec, {"db", "a", "b"});
  without.Go();
  EXPECT_THAT(without.Taken(), UnorderedElementsAre("db", "a", "b"));
  EXPECT_THAT(without.created, ElementsAre("c/1"));
}

TEST(RerunPlan, ALoopIsTakenAsAWholeOrMadeAgainWithTheCachesHelp) {
  const std::string loop = Step("each", "forEach: {in: [x, y]}");
  Rerun taken("steps:\n" + loop + Step("b", "dependsOn: [{step: each}]"), {"each"});
  taken.former->run.status.steps[0].items = api::ItemsStatus{2, "0-1", "", "", 0, 0, "", {}};
  taken.Go();
  EXPECT_THAT(taken.Taken(), ElementsAre("each"));
  EXPECT_EQ(taken.Status("each").items->succeeded_indexes, "0-1");
  EXPECT_THAT(taken.created, ElementsAre("b/1"));
  Rerun failed("steps:\n" + loop, {});
  failed.Go();
  EXPECT_THAT(failed.created, UnorderedElementsAre("each.0/1", "each.1/1"));
  EXPECT_EQ(failed.o.cache.size(), 2U) << "each item is looked for";
  Rerun anew("steps:\n" + loop, {"each"}, {"each"});
  anew.Go();
  EXPECT_THAT(anew.created, UnorderedElementsAre("each.0/1", "each.1/1"));
  EXPECT_THAT(anew.o.cache, IsEmpty());
}

TEST(RerunPlan, WhatWasTakenStaysTakenWithoutTheFormerRun) {
  Rerun w(kThree, {"a"});
  w.Go();
  w.o.former.reset();
  w.Succeed(w.Pod("b"));
  w.Settle();
  w.Succeed(w.Pod("c"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, ElementsAre("b/1", "c/1"));
}

TEST(RerunPlan, WhatARerunTookNamesTheRunThatMadeIt) {
  Rerun w(kThree, {"a"});
  w.former->run.status.steps[0].cached = true;
  w.former->run.status.steps[0].cached_from = "the-first-of-all";
  w.Go();
  EXPECT_EQ(w.Status("a").cached_from, "the-first-of-all");
}

TEST(RerunPlan, CancelledWhileTheStoreIsAskedItStartsNothing) {
  Rerun w(kThree, {"a"});
  w.Settle();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_TRUE(w.plan.finished);
}

TEST(RerunPlan, NamesTheStepsThatThereAre) {
  const RunWorld w(kThree);
  EXPECT_EQ(UnknownFrom(*w.o.resolved, {"b", "d"}), "there is no step d; there is a, b, c");
  EXPECT_EQ(UnknownFrom(*w.o.resolved, {"b"}), "");
}

ResolvedRun Judging(char published) {
  Surroundings around;
  around.pipeline_output = [published](const std::string&,
                                       const std::string&) -> std::optional<api::PublishedOutput> {
    if (published == '0') return std::nullopt;
    return api::PublishedOutput{"model", "dataset", Digest(published), false, 7, "before"};
  };
  return MustResolve(
      "steps:\n" +
          Step("judge", "inputs: {b: {firstOf: [$(pipelines.p.outputs.model)], optional: true}}") +
          Step("a"),
      {}, around);
}

TEST(RerunPlan, AVerdictOnWhatThePipelineHadPublishedBeforeIsMadeAgain) {
  EXPECT_THAT(ChangedSteps(Judging('1'), Judging('1')), IsEmpty());
  EXPECT_THAT(ChangedSteps(Judging('1'), Judging('2')), ElementsAre("judge"));
  EXPECT_THAT(ChangedSteps(Judging('0'), Judging('2')), ElementsAre("judge"))
      << "there was nothing to compare with";
  EXPECT_THAT(ChangedSteps(MustResolve(kThree), Judging('2')), ElementsAre("judge"));
  Rerun w("steps:\n" + Step("judge") + Step("a"), {"judge", "a"});
  w.former->resolved = std::make_shared<const ResolvedRun>(Judging('1'));
  w.o.resolved = std::make_shared<const ResolvedRun>(Judging('2'));
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("a"));
  EXPECT_THAT(w.created, ElementsAre("judge/1"));
}

TEST(RerunPlan, AVerdictOfTheRunThatMadeWhatIsPublishedNowIsTaken) {
  Rerun w("steps:\n" + Step("judge") + Step("a"), {"judge"});
  w.former->resolved = std::make_shared<const ResolvedRun>(Judging('1'));
  w.former->run.status.outputs = {{"model", "dataset", Digest('2'), false, 7, ""}};
  w.o.resolved = std::make_shared<const ResolvedRun>(Judging('2'));
  w.Go();
  EXPECT_THAT(w.Taken(), ElementsAre("judge"));
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(RerunPlan, WhatWasReadOfPipelinesAndGivenAsInputsStandsInTheResolvedRun) {
  for (const char published : {'0', '1'}) {
    ResolvedRun run = Judging(published);
    run.inputs = {{"raw", "https://example.com/a.csv"}};
    const auto back = DecodeResolved(EncodeResolved(run));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->inputs, run.inputs);
    EXPECT_EQ(EncodeResolved(*back), EncodeResolved(run));
    ASSERT_TRUE(back->Find("judge")->published.contains("p/model"));
    EXPECT_EQ(back->Find("judge")->published.at("p/model").has_value(), published == '1');
  }
}

}  // namespace
}  // namespace penstock::plan
