// Looped steps: what an item does, what the step says of all of them, and how it ends.
#include <gmock/gmock.h>

#include <chrono>

#include "operator/api/codec.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/values/indexes.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Each(const std::string& for_each, const std::string& rest = "") {
  return "steps:\n" + Step("each", "forEach: " + for_each + ", parameters: {x: $(each.value)}" +
                                       (rest.empty() ? "" : ", " + rest));
}

// The cache key that each pod carries, by item.
std::map<int, std::string> Keys(const RunWorld& w) {
  std::map<int, std::string> keys;
  for (const PodFact& pod : w.o.pods) keys[*pod.item] = pod.cache_key;
  return keys;
}

const api::ItemsStatus& ItemsOf(const RunWorld& w) { return *w.Status("each").items; }

TEST(Loop, MakesAPodForEachItemWithItsValue) {
  RunWorld w(Each("{in: [a, {b: 1}]}"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  const Json& pod = w.objects.at(w.Item(1).name);
  EXPECT_EQ(pod["metadata"]["labels"]["penstock.dev/item"], "1");
  EXPECT_THAT(w.Item(1).name, HasSubstr("first-each-1-1-"));
  const Json task =
      Json::parse(pod["metadata"]["annotations"]["penstock.dev/task"].get<std::string>());
  EXPECT_EQ(task["itemIndex"], 1);
  EXPECT_EQ(task["parameters"]["x"], Json::parse(R"({"b": 1})"));
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kPending);
  EXPECT_EQ(ItemsOf(w).running, 2);
}

TEST(Loop, TheValueOfAnItemIsInItsCacheKeyAndItsIndexIsNot) {
  RunWorld w(Each("{in: [a, b]}"));
  RunWorld turned(Each("{in: [b, a]}"));
  w.Settle();
  turned.Settle();
  EXPECT_EQ(Keys(w)[0], Keys(turned)[1]);
  EXPECT_EQ(Keys(w)[1], Keys(turned)[0]);
  EXPECT_NE(Keys(w)[0], Keys(w)[1]);
}

TEST(Loop, ANumberThatTheCommandAsksForIsInTheCacheKey) {
  const auto spec = [](const std::string& word, const std::string& list) {
    return "steps:\n- {name: each, container: {image: \"" + kPinned + "\", command: [run, " + word +
           "]}, forEach: {in: " + list + "}}\n";
  };
  RunWorld w(spec("$(each.index)", "[a, b]")), turned(spec("$(each.index)", "[b, a]"));
  w.Settle();
  turned.Settle();
  EXPECT_NE(Keys(w)[0], Keys(turned)[1]);
}

TEST(Loop, KeepsToItsOwnParallelismAndToTheRuns) {
  RunWorld w(Each("{range: {to: 5}, parallelism: 2}"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  w.Succeed(w.Item(1));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
  RunWorld narrow("parallelism: 1\n" + Each("{range: {to: 5}, parallelism: 2}"));
  narrow.Settle();
  EXPECT_THAT(narrow.created, ElementsAre("each.0/1"));
}

TEST(Loop, GathersWhatItsItemsGaveInTheirOrder) {
  RunWorld w(Each("{in: [a, b, c]}"));
  w.Settle();
  for (const int i : {2, 0, 1}) w.Succeed(w.Item(i), {{"r", i * 10}});
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("each").results.at("r"), Json::parse("[0, 10, 20]"));
  EXPECT_EQ(w.Status("each").outputs.front().digest, Digest('f'));
  EXPECT_TRUE(w.Status("each").outputs.front().folder);
  EXPECT_EQ(ItemsOf(w).succeeded_indexes, "0-2");
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(Loop, AnEmptyListSucceedsAtOnceWithEmptyLists) {
  RunWorld w(Each("{in: []}"));
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("each").results.at("r"), Json::array());
  EXPECT_EQ(ItemsOf(w).total, 0);
}

TEST(Loop, RetriesAnItemWithoutTouchingTheOthers) {
  RunWorld w(Each("{in: [a, b]}", "retry: {user: {limit: 1, backoff: 10s}}"));
  w.Settle();
  w.Fail(w.Item(1));
  w.Settle();
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 1: exit code 1"));
  w.now += 11s;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.1/2"));
  w.Succeed(w.Item(0));
  w.Succeed(w.Item(1, 2));
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded);
}

TEST(Loop, FailsWithTheWordsOfTheFirstItemsThatFailed) {
  RunWorld w(Each("{range: {to: 6}}"));
  w.Settle();
  for (const int i : {1, 2, 4, 5}) w.Fail(w.Item(i), 3, "no " + std::to_string(i));
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kPending) << "others go on";
  w.Succeed(w.Item(0));
  w.Succeed(w.Item(3));
  w.Settle();
  const api::StepStatus& s = w.Status("each");
  EXPECT_EQ(s.phase, api::StepPhase::kFailed);
  EXPECT_EQ(s.reason, "ItemsFailed");
  EXPECT_THAT(s.message, HasSubstr("4 of 6 items failed: item 1 (ExitCode): exit code 3: no 1"));
  EXPECT_THAT(s.message, HasSubstr("item 4"));
  EXPECT_EQ(s.items->failed_indexes, "1-2,4-5");
}

TEST(Loop, StartsNoMoreItemsWhenMinSuccessIsOutOfReach) {
  RunWorld w(Each("{range: {to: 10}, parallelism: 2, minSuccess: 90%}"));
  w.Settle();
  w.Fail(w.Item(0));
  w.Settle();
  EXPECT_EQ(w.created.size(), 3u);
  w.Fail(w.Item(1));
  w.Settle();
  EXPECT_EQ(w.created.size(), 3u) << "two of ten have failed";
  w.Succeed(w.Item(2));
  w.Settle();
  const api::StepStatus& s = w.Status("each");
  EXPECT_EQ(s.phase, api::StepPhase::kFailed);
  EXPECT_EQ(s.items->skipped_indexes, "3-9");
  EXPECT_THAT(s.message, HasSubstr("7 were not run, as 90% must succeed"));
}

TEST(Loop, SucceedsWithHolesWhenEnoughItemsDo) {
  RunWorld w(Each("{range: {to: 4}, minSuccess: 3}"));
  w.Settle();
  w.Fail(w.Item(1));
  for (const int i : {0, 2, 3}) w.Succeed(w.Item(i), {{"r", i}});
  w.Settle();
  const api::StepStatus& s = w.Status("each");
  EXPECT_EQ(s.phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(s.results.at("r"), Json::parse("[0, null, 2, 3]"));
  EXPECT_THAT(s.message, HasSubstr("1 of 4 items failed: item 1"));
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(Loop, FailsAtOnceWhereThereAreFewerItemsThanMustSucceed) {
  RunWorld w(Each("{in: [a], minSuccess: 2}"));
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("each").message, HasSubstr("minSuccess is 2, and there are 1 items"));
}

const std::string kFound = "steps:\n- {name: find, container: {image: \"" + kPinned +
                           "\", command: [find]}, results: [{name: names, type: list}]}\n" +
                           Step("each", "forEach: {in: $(steps.find.results.names)}");

TEST(Loop, GoesOverAListThatAStepHasMade) {
  RunWorld w(kFound);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("find/1"));
  w.Succeed(w.Pod("find"), {{"names", Json::array({"x", "y"})}});
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("find/1", "each.0/1", "each.1/1"));
  EXPECT_EQ(ItemsOf(w).list_digest.size(), 64u);
}

TEST(Loop, AResultThatWasNotWrittenSkipsIt) {
  RunWorld w(kFound);
  w.Settle();
  w.Succeed(w.Pod("find"));
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSkipped);
  EXPECT_THAT(w.Status("each").message, HasSubstr("forEach.in"));
}

TEST(Loop, AListOfAnotherTypeThanOneFailsWithItsPath) {
  RunWorld w("steps:\n- {name: find, container: {image: \"" + kPinned +
             "\", command: [find]}, results: [{name: o, type: object}]}\n" +
             Step("each", "forEach: {in: $(steps.find.results.o.files)}"));
  w.Settle();
  w.Succeed(w.Pod("find"), {{"o", {{"files", "none"}}}});
  w.Settle();
  EXPECT_EQ(w.Status("each").reason, "InvalidList");
  EXPECT_THAT(w.Status("each").message, HasSubstr("forEach.in: $(steps.find.results.o.files)"));
}

TEST(Loop, IsCancelledWithItsItems) {
  RunWorld w(Each("{range: {to: 4}, parallelism: 2}"));
  w.Settle();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Settle();
  EXPECT_EQ(w.deleted.size(), 2u);
  for (PodFact& pod : w.o.pods) w.End(pod, Message(TaskOutcome::kCancelled));
  w.Settle();
  EXPECT_EQ(w.created.size(), 2u);
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kCancelled);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
}

TEST(Loop, StartsNothingWhileTheRunIsSuspended) {
  RunWorld w(Each("{range: {to: 4}}"));
  w.o.run.spec.suspend = true;
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("each").reason, "Suspended");
}

// What a controller knows that has just been started: the status, and pods that still stand.
TEST(Loop, ItemsThatSucceededAreNotRunAgainByAControllerThatKnowsTheStatusOnly) {
  RunWorld w(Each("{range: {to: 3}, parallelism: 1}"));
  w.Settle();
  w.Succeed(w.Item(0), {{"r", 5}});
  w.Settle();
  std::erase_if(w.o.pods, [](const PodFact& p) { return p.item == 0; });
  w.o.cache.clear();
  for (const int i : {1, 2}) {
    w.Succeed(w.Item(i), {{"r", i}});
    w.Settle();
  }
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
  EXPECT_EQ(w.Status("each").results.at("r"), Json::parse("[5, 1, 2]"));
}

TEST(Loop, AnItemWhosePodAndReceiptAreGoneIsTriedAgain) {
  RunWorld w(Each("{in: [a, b]}"));
  w.Settle();
  w.o.item_attempts["each"][1] = {1, w.Item(1).name, "", {}};
  std::erase_if(w.o.pods, [](const PodFact& p) { return p.item == 1; });
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.1/2"));
  EXPECT_EQ(w.Item(1, 2).spent.infrastructure, 1);
}

TEST(Loop, AnItemWhosePodIsGoneAndWhoseReceiptIsThereHasSucceeded) {
  RunWorld w(Each("{in: [a, b]}"));
  w.Settle();
  const std::string pod = w.Item(1).name;
  w.Succeed(w.Item(1), {{"r", 2}});
  w.o.receipts[pod].receipt = w.item_receipts["each"][1];
  w.o.item_attempts["each"][1] = {1, pod, "", {}};
  std::erase_if(w.o.pods, [](const PodFact& p) { return p.item == 1; });
  w.Settle();
  EXPECT_EQ(ItemsOf(w).succeeded_indexes, "1");
  EXPECT_EQ(w.created.size(), 2u);
}

TEST(Loop, TakesWhatItCanFromTheCacheAndTellsTheStore) {
  RunWorld w(Each("{in: [a, b, c]}"));
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 3u);
  Receipt made;
  made.outputs.push_back({"o", "dataset", {Digest('a'), false, 7}});
  made.results = {{"r", 9}};
  for (const std::size_t i : {0, 2}) w.o.cache[w.plan.requests.cache_keys[i]].hit = made;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.1/1"));
  EXPECT_EQ(ItemsOf(w).cached, 2);
  w.Succeed(w.Item(1), {{"r", 1}});
  w.Settle();
  EXPECT_EQ(w.Status("each").results.at("r"), Json::parse("[9, 1, 9]"));
  EXPECT_FALSE(w.Status("each").cached) << "one was made";
}

// Of an item that the status calls succeeded nothing is left: a store that was restored.
TEST(Loop, AnItemOfWhichNothingTellsIsLookedUpAgain) {
  RunWorld w(Each("{in: [a, b]}"));
  w.Settle();
  w.Succeed(w.Item(0), {{"r", 1}});
  w.Succeed(w.Item(1), {{"r", 2}});
  w.item_receipts["each"].erase(1);
  w.Settle();
  EXPECT_EQ(ItemsOf(w).succeeded_indexes, "0");
  EXPECT_EQ(w.plan.requeue_after, 0ms);
  w.Settle();
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kSucceeded) << "its pod has it";
  EXPECT_EQ(w.Status("each").results.at("r"), Json::parse("[1, 2]"));
  EXPECT_EQ(w.created.size(), 2u);
}

TEST(Loop, AnItemsInputMayBeWhatTheItemNames) {
  RunWorld w("steps:\n- {name: each, container: {image: \"" + kPinned +
             "\", command: [run, $(inputs.table.path)]}, forEach: {in: [a.csv, \"b c\"], "
             "minSuccess: 1}, inputs: {table: "
             "\"https://example.com/$(each.value)\"}, retry: {user: {limit: 0}}}\n");
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1"));
  EXPECT_EQ(ItemsOf(w).failed_indexes, "1");
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 1 (InvalidInput): input 'table'"));
}

// Its budget was spent on an item that could not save the step.
TEST(Loop, AnItemIsNotTriedAgainOnceTooFewCanSucceed) {
  RunWorld w(Each("{in: [a, b, c]}", "retry: {user: {limit: 3, backoff: 10s, onExitCodes: [75]}}"));
  w.Settle();
  w.Fail(w.Item(1), 75);
  w.Settle();
  EXPECT_THAT(w.Status("each").message, HasSubstr("item 1: exit code 75"));
  w.Fail(w.Item(0), 1);
  w.Settle();
  EXPECT_EQ(ItemsOf(w).failed_indexes, "0-1");
  EXPECT_EQ(w.Status("each").phase, api::StepPhase::kPending) << "item 2 goes on";
  w.now += 1h;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
  w.Succeed(w.Item(2));
  w.Settle();
  EXPECT_EQ(w.Status("each").reason, "ItemsFailed");
  EXPECT_THAT(w.Status("each").message, HasSubstr("not tried again: too few items can succeed"));
}

// What a visit of a loop with 10,000 items costs; docs/benchmarks.md has the times.
TEST(Loop, AVisitOfTenThousandItemsCostsWhatGoesOnAndItsStatusStaysSmall) {
  RunWorld w(Each("{range: {to: 10000}, parallelism: 50, minSuccess: 0}"));
  int visits = 0;
  std::chrono::steady_clock::duration longest{}, all{};
  std::size_t largest = 0;
  while (!w.plan.finished && visits < 5000) {
    const auto begin = std::chrono::steady_clock::now();
    w.plan = PlanRun(w.o, w.settings, w.now);
    const auto took = std::chrono::steady_clock::now() - begin;
    longest = std::max(longest, took);
    all += took;
    ++visits;
    w.Step();
    for (const auto& key : w.plan.requests.cache_keys) w.o.cache[key];
    for (const auto& key : w.plan.requests.settled_keys) w.o.cache.erase(key);
    for (const auto& gather : w.plan.requests.gathers) w.AnswerGather(gather);
    for (PodFact& pod : w.o.pods) {
      // Every other one fails: the ranges are as long as they can be.
      if (*pod.item % 2 == 0)
        w.Succeed(pod, {{"r", *pod.item}});
      else
        w.Fail(pod);
    }
    const std::string& over = w.plan.status.steps.front().items->failed_indexes;
    largest = std::max(largest, api::Encode(w.plan.status).dump().size());
    if (over.size() > 0) {
      const api::ItemsStatus& items = *w.plan.status.steps.front().items;
      std::vector<bool> ended(10000);
      for (const auto* ranges : {&items.succeeded_indexes, &items.failed_indexes})
        for (const std::size_t i : ParseIndexes(*ranges, 10000)) ended[i] = true;
      std::erase_if(w.o.pods, [&](const PodFact& p) { return ended[std::size_t(*p.item)]; });
    }
  }
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.created.size(), 10000u);
  EXPECT_LT(largest, 128u * 1024);
  const auto ms = [](auto d) { return std::chrono::duration<double, std::milli>(d).count(); };
  std::printf("10,000 items: %d visits, mean %.2f ms, longest %.2f ms, largest status %zu KiB\n",
              visits, ms(all) / visits, ms(longest), largest / 1024);
}

}  // namespace
}  // namespace penstock::plan
