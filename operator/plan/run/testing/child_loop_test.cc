// Loops over steps that are Pipelines: a run for each item, and what the step makes of them.
#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/child_plan.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Surroundings AroundFit() {
  Surroundings around;
  around.pipeline = [](const std::string& name, bool) {
    auto fit = std::make_shared<api::Pipeline>();
    fit->meta.name = name;
    fit->spec = Spec(
        "parameters: [{name: word, type: string}]\n"
        "steps:\n- {name: a, container: {image: i, command: [run, $(parameters.word)]}, outputs: "
        "[{name: m, type: model}], results: [{name: auc, type: number}]}\n"
        "outputs: {model: $(steps.a.outputs.m)}\n"
        "results: [{name: auc, value: $(steps.a.results.auc)}]");
    return fit;
  };
  return around;
}

std::string Each(const std::string& for_each, const std::string& rest = "") {
  return "steps:\n- {name: each, pipeline: {name: fit}, parameters: {word: $(each.value)}, "
         "forEach: " +
         for_each + (rest.empty() ? "" : ", " + rest) + "}\n" +
         Step("use",
              "inputs: {all: $(steps.each.outputs.model)}, parameters: {aucs: "
              "$(steps.each.results.auc)}");
}

struct LoopWorld : RunWorld {
  explicit LoopWorld(const std::string& for_each, const std::string& rest = "")
      : RunWorld(Each(for_each, rest), {}, AroundFit()) {
    Settle();
  }
  void Well(int item, double auc, int attempt = 1) {
    ChildFact& child = ItemRun(item, attempt);
    End(child, RunOutcome::kSucceeded);
    child.outputs = {{"model", "model", Digest('m'), true, 70, "x", {}}};
    child.results = {{"auc", auc}};
  }
  void Badly(int item, const std::string& why, int attempt = 1) {
    End(ItemRun(item, attempt), RunOutcome::kFailed, why);
  }
  [[nodiscard]] const api::ItemsStatus& Items() const { return *Status("each").items; }
};

TEST(ChildLoop, MakesARunForEachItemWithItsValueAndNotItsIndexInIt) {
  LoopWorld w("{in: [red, blue]}");
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  const ChildFact& child = w.ItemRun(1);
  EXPECT_EQ(child.name, PodName("first", "uid-1", "each", 1, 1));
  const auto run = api::DecodePipelineRun(w.objects.at(child.name)).value;
  EXPECT_EQ(run.meta.labels.at("penstock.dev/item"), "1");
  EXPECT_EQ(run.meta.labels.at("penstock.dev/parent-uid"), "uid-1");
  EXPECT_EQ(run.spec.parameters.at("word"), Json("blue"));
  Json spec = w.objects.at(child.name)["spec"], other = w.objects.at(w.ItemRun(0).name)["spec"];
  spec["parameters"].erase("word");
  other["parameters"].erase("word");
  EXPECT_EQ(spec, other) << "what runs differs by the item's value alone";
  EXPECT_EQ(w.Items().running, 2);
}

TEST(ChildLoop, KeepsToItsParallelism) {
  LoopWorld w("{in: [a, b, c, d], parallelism: 2}");
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  w.Well(1, 0.5);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
}

TEST(ChildLoop, GathersWhatItsRunsGaveInTheOrderOfTheItems) {
  LoopWorld w("{in: [a, b, c]}");
  for (const int i : {2, 0, 1}) {
    w.Well(i, i / 4.0);
    w.Settle();
  }
  const api::StepStatus& s = w.Status("each");
  EXPECT_EQ(s.phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(s.results.at("auc"), Json::parse("[0.0, 0.25, 0.5]"));
  ASSERT_FALSE(s.outputs.empty());
  EXPECT_EQ(s.outputs[0].name, "model");
  EXPECT_EQ(s.run, "") << "no one run is the step's";
  EXPECT_EQ(w.Items().succeeded_indexes, "0-2");
  EXPECT_EQ(w.item_receipts["each"].at(1).pod, PodName("first", "uid-1", "each", 1, 1));
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1", "use/1"));
}

TEST(ChildLoop, OverNothingSucceedsAtOnce) {
  LoopWorld w("{in: []}");
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("each").results.at("auc"), Json::array());
}

TEST(ChildLoop, AnItemThatFailsLeavesAHoleWhereEnoughSucceed) {
  LoopWorld w("{in: [a, b, c], minSuccess: 2}");
  w.Well(0, 0.5);
  w.Badly(1, "step a (ExitCode): boom");
  w.Well(2, 0.75);
  w.Settle();
  const api::StepStatus& s = w.Status("each");
  EXPECT_EQ(s.phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(s.results.at("auc"), Json::parse("[0.5, null, 0.75]"));
  EXPECT_EQ(w.Items().failed_indexes, "1");
  EXPECT_THAT(s.message,
              HasSubstr("1 of 3 items failed: item 1 (RunFailed): its run first-each-1"));
  EXPECT_THAT(s.message, HasSubstr("step a (ExitCode): boom"));
}

TEST(ChildLoop, FailsWithTheWordsOfItsRunsAndStartsNoMore) {
  LoopWorld w("{in: [a, b, c, d], parallelism: 2}");
  w.Badly(0, "step a: no a");
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  EXPECT_NE(w.Status("each").phase, api::StepPhase::kFailed) << "item 1 goes on";
  w.Well(1, 0.5);
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Items().skipped_indexes, "2-3");
  EXPECT_THAT(w.Status("each").message, HasSubstr("no a"));
  EXPECT_EQ(w.Status("use").phase, api::StepPhase::kSkipped);
  EXPECT_TRUE(w.plan.finished);
}

TEST(ChildLoop, SaysWhatIsWrongWithARunThatGoesOn) {
  LoopWorld w("{in: [a, b]}");
  for (const int i : {0, 1}) w.ItemRun(i).started = w.now;
  w.ItemRun(1).trouble = "a: ImagePullBackOff";
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kRunning);
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 1: its run is first-each-1-1-"));
  EXPECT_THAT(w.Status("each").message, HasSubstr("a: ImagePullBackOff"));
}

// What a visit costs and what the status holds do not grow with the items that are over.
TEST(ChildLoop, OfTenThousandItemsKeepsASmallStatusAndNoRunsThatAreOver) {
  RunWorld w(
      "steps:\n- {name: each, pipeline: {name: fit}, parameters: {word: \"w$(each.value)\"}, "
      "forEach: {range: {to: 10000}, parallelism: 50, minSuccess: 0}}\n",
      {}, AroundFit());
  int visits = 0;
  std::size_t largest = 0, most_children = 0;
  for (; !w.plan.finished && visits < 1000; ++visits) {
    w.Step();
    for (const auto& gather : w.plan.requests.gathers) w.AnswerGather(gather);
    largest = std::max(largest, api::Encode(w.plan.status).dump().size());
    most_children = std::max(most_children, w.o.children.size());
    const api::ItemsStatus& items = *w.plan.status.steps.front().items;
    // As the controller gives them: without those that have ended, of items that have.
    std::vector<bool> ended(10000);
    for (const auto* ranges : {&items.succeeded_indexes, &items.failed_indexes})
      for (const std::size_t i : ParseIndexes(*ranges, ended.size())) ended[i] = true;
    std::erase_if(w.o.children, [&](const ChildFact& c) { return ended[std::size_t(*c.item)]; });
    // Every other one fails: the ranges are as long as they can be.
    for (ChildFact& c : w.o.children)
      w.End(c, *c.item % 2 == 0 ? RunOutcome::kSucceeded : RunOutcome::kFailed, "boom");
  }
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.created.size(), 10'000U);
  EXPECT_LT(largest, 128U * 1024);
  EXPECT_LE(most_children, 150U);
}

TEST(ChildLoop, MayFailWhereTheStepIsAllowedTo) {
  LoopWorld w("{in: [a]}", "allowFailure: true");
  w.Badly(0, "boom");
  w.Settle();
  EXPECT_TRUE(w.Status("each").allowed);
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(ChildLoop, TriesAnItemAgainAsAnotherRunWithinItsBudgetAndLeavesTheOthersAlone) {
  LoopWorld w("{in: [a, b]}", "retry: {user: {limit: 1, backoff: 10s}}");
  w.Badly(1, "boom");
  w.Settle();
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 1: its run"));
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(10'000));
  w.now += 10s;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.1/2"));
  EXPECT_EQ(w.ItemRun(1, 2).spent.user, 1);
  EXPECT_EQ(w.ItemRun(1, 2).name, PodName("first", "uid-1", "each", 2, 1));
  w.Badly(1, "boom again", 2);
  w.Well(0, 0.5);
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("each").message, HasSubstr("boom again"));
}

TEST(ChildLoop, SkipsTheItemsForWhichItsConditionDoesNotHold) {
  LoopWorld w("{in: [a, b]}", "when: each.value != 'a'");
  EXPECT_THAT(w.created, ElementsAre("each.1/1"));
  w.Well(1, 0.5);
  w.Settle();
  EXPECT_EQ(w.Items().skipped_indexes, "0");
  EXPECT_EQ(w.Status("each").results.at("auc"), Json::parse("[null, 0.5]"));
}

TEST(ChildLoop, ARunThatSomebodyCancelledIsAnItemThatFailed) {
  LoopWorld w("{in: [a, b], minSuccess: 1}");
  w.End(w.ItemRun(0), RunOutcome::kCancelled);
  w.Well(1, 0.5);
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Items().failed_indexes, "0");
  EXPECT_THAT(w.Items().first_failures, ElementsAre(HasSubstr("item 0 (RunCancelled)")));
  LoopWorld all("{in: [a, b]}");
  all.End(all.ItemRun(0), RunOutcome::kCancelled);
  all.Well(1, 0.5);
  all.Settle();
  EXPECT_EQ(all.Status("each").phase, api::StepPhase::kFailed);
}

TEST(ChildLoop, ItsRunsAreCancelledWithTheRunAndHoldItUntilTheyHaveEnded) {
  LoopWorld w("{in: [a, b, c], parallelism: 2}");
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  EXPECT_EQ(w.ItemRun(0).cancel, api::CancelMode::kStop);
  EXPECT_EQ(w.ItemRun(1).cancel, api::CancelMode::kStop);
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Step();
  EXPECT_EQ(w.ItemRun(0).cancel, api::CancelMode::kNow);
  EXPECT_FALSE(w.plan.finished);
  for (const int i : {0, 1}) w.End(w.ItemRun(i), RunOutcome::kCancelled);
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kCancelled);
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
}

TEST(ChildLoop, StartsNothingWhileTheRunIsSuspended) {
  RunWorld w(Each("{in: [a, b]}"), {}, AroundFit());
  w.o.run.spec.suspend = true;
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("each").reason, "Suspended");
}

TEST(ChildLoop, ARunThatDoesNotStartInTimeFailsItsItemAndIsCancelledUntilItHasEnded) {
  LoopWorld w("{in: [a, b], minSuccess: 1}", "timeouts: {pending: 5m}");
  w.ItemRun(0).reason = "InvalidSpec";
  w.ItemRun(0).message = "there is no Pipeline fit";
  w.Well(1, 0.5);
  w.Settle();
  EXPECT_THAT(w.Status("each").message, HasSubstr("there is no Pipeline fit"));
  w.now += 5min;
  w.Settle();
  EXPECT_EQ(w.Items().failed_indexes, "0");
  EXPECT_EQ(w.ItemRun(0).cancel, api::CancelMode::kNow);
  w.ItemRun(0).cancel = api::CancelMode::kNone;  // the answer was lost, and the call with it
  w.Settle();
  EXPECT_EQ(w.ItemRun(0).cancel, api::CancelMode::kNow);
  EXPECT_FALSE(w.plan.finished);
  w.End(w.ItemRun(0), RunOutcome::kCancelled);
  w.Settle();
  EXPECT_EQ(w.Items().failed_indexes, "0") << "how it ended stays";
}

// What a controller knows that has just been started: the status, and the runs that stand.
TEST(ChildLoop, MakesNoRunTwiceWhateverTheStatusHasForgotten) {
  LoopWorld w("{in: [a, b]}");
  w.Well(0, 0.5);
  w.o.run.status = {};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  EXPECT_EQ(w.Items().succeeded_indexes, "0");
}

TEST(ChildLoop, WhatARunGaveIsKeptAgainWhereTheStoreHasLostIt) {
  LoopWorld w("{in: [a, b]}");
  w.Well(0, 0.5);
  w.Settle();
  w.item_receipts["each"].clear();
  w.Well(1, 0.25);
  w.Settle();
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("each").results.at("auc"), Json::parse("[0.5, 0.25]"));
  EXPECT_EQ(w.created.size(), 3U) << "no item ran again";
}

TEST(ChildLoop, AnItemWhoseRunSomebodyDeletedBeginsAgain) {
  LoopWorld w("{in: [a, b]}");
  std::erase_if(w.o.children, [](const ChildFact& c) { return c.item == 1; });
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.1/1"));
}

TEST(ChildLoop, ItemsThatWouldStandTooDeepFailBeforeTheyAreMade) {
  RunWorld w(Each("{in: [a]}"), {}, AroundFit());
  w.o.family.above = {"r", "s", "t", "u", "v", "w", "x", "y", "z"};
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 0 (NestedTooDeep)"));
}

TEST(ChildLoop, InPlaceGetsTheItemByItsParameters) {
  RunWorld w(
      "steps:\n- name: each\n  forEach: {in: [{n1: 1}, {n1: 2}]}\n  parameters: {times: "
      "$(each.value.n1)}\n  pipeline:\n    steps: [{name: x, container: {image: i, command: [run, "
      "$(parameters.times)]}}]\n");
  w.Settle();
  ASSERT_THAT(w.created, ElementsAre("each.0/1", "each.1/1")) << w.Status("each").message;
  const auto child = api::DecodePipelineRun(w.objects.at(w.ItemRun(1).name));
  EXPECT_EQ(api::Describe(child.errors), "");
  const api::PipelineRunSpec& spec = child.value.spec;
  const auto resolved = Resolve("", *spec.pipeline_spec, spec.parameters, {}, spec.inputs);
  ASSERT_TRUE(resolved.run) << api::Describe(resolved.errors);
  EXPECT_EQ(resolved.run->Find("x")->parameters.at("times").value, Json(2));
}

TEST(ChildLoop, ItsNameTellsWhichItemARunIsOfWhateverItsLabelsSay) {
  LoopWorld w("{in: [a, b]}");
  ChildFact child = w.ItemRun(1);
  child.step = "other";
  child.item = 0;
  child.attempt = 7;
  TakeItemFromName(w.o.run, {"none", "each"}, child);
  EXPECT_EQ(child.step, "each");
  EXPECT_EQ(child.item, 1);
  EXPECT_EQ(child.attempt, 1);
  child.name = "somebody-s-own";
  TakeItemFromName(w.o.run, {"each"}, child);
  EXPECT_EQ(child.item, 1) << "as it stands";
  auto run = api::DecodePipelineRun(w.objects.at(w.ItemRun(1).name)).value;
  EXPECT_EQ(ItemOf(run), std::pair(std::string("each"), 1));
  run.meta.labels["penstock.dev/item"] = "0";
  EXPECT_EQ(ItemOf(run), std::nullopt);
}

}  // namespace
}  // namespace penstock::plan
