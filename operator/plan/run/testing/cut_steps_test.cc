// Steps whose entries do not fit into the run's status: what they gave is looked for again, or
// whoever reads it says that it is out of reach.
#include <gmock/gmock.h>

#include <algorithm>

#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/values/value_source.h"

namespace penstock::plan {
namespace {

using api::StepPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// The step has succeeded, and nothing but that is left of it.
void Cut(RunWorld& w, const std::string& name) {
  auto& steps = w.o.resolved->steps;
  std::vector<std::size_t> cut = ParseIndexes(w.o.run.status.succeeded_indexes, steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].name == name) cut.push_back(i);
  std::sort(cut.begin(), cut.end());
  w.o.run.status.succeeded_indexes = FormatIndexes(cut);
  std::erase_if(w.o.run.status.steps, [&](const auto& s) { return s.name == name; });
  std::erase_if(w.o.pods, [&](const auto& p) { return p.step == name; });
  w.o.cache.clear();
}

Receipt Made(const Json& results) {
  Receipt made;
  made.outputs.push_back({"o", "dataset", {Digest('a'), false, 7}});
  made.results = results;
  return made;
}

// What a has made is found under the only key that is asked for.
void AnswerOne(RunWorld& w, const Json& results) {
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1u);
  w.o.cache[w.plan.requests.cache_keys[0]].hit = Made(results);
}

// a, which has succeeded and has no entry, and b, which starts now.
struct OfA : RunWorld {
  explicit OfA(const std::string& b, const std::string& more = "")
      : RunWorld("steps:\n" + plan::Step("a") + more + plan::Step("b", b)) {
    Settle();
    Succeed(Pod("a"), {{"r", 5}});
    o.run.spec.suspend = true;
    Settle();
    Cut(*this, "a");
    o.run.spec.suspend = false;
  }
};

TEST(CutSteps, GiveTheirOutputsFromTheCache) {
  OfA w(After("a"));
  AnswerOne(w, {{"r", 5}});
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  EXPECT_EQ(w.Status("a").phase, StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("a").reason, "");
}

// They were taken for results that the step had not given, and the reader was skipped.
TEST(CutSteps, GiveTheirResultsFromTheCacheToo) {
  for (const std::string reader :
       {"parameters: {x: $(steps.a.results.r)}", "when: steps.a.results.r == 5",
        "forEach: {range: {to: $(steps.a.results.r)}, parallelism: 1}"}) {
    OfA w(reader);
    AnswerOne(w, {{"r", 5}});
    w.Settle();
    ASSERT_EQ(w.created.size(), 2u) << reader;
    EXPECT_THAT(w.created[1], testing::StartsWith("b")) << reader;
  }
}

TEST(CutSteps, OfWhichNothingTellsRunAgain) {
  OfA w("parameters: {x: $(steps.a.results.r)}");
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "a/1"));
  w.Succeed(w.Pod("a"), {{"r", 6}});
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "a/1", "b/1"));
}

TEST(CutSteps, AreNotLookedForWhereOnlyTheirEndCounts) {
  OfA w(
      "dependsOn: [{step: a}], parameters: {x: $(steps.a.status)}, when: 'steps.a.status == "
      "\"Succeeded\"'");
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  EXPECT_EQ(w.Status("a").reason, kNoEntry);
}

TEST(CutSteps, AreLookedForThroughOthersThatAreCut) {
  RunWorld w("steps:\n" + Step("a") + Step("b", After("a")) + Step("c", After("b")));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Succeed(w.Pod("b"));
  w.o.run.spec.suspend = true;
  w.Settle();
  Cut(w, "a");
  Cut(w, "b");
  w.o.run.spec.suspend = false;
  AnswerOne(w, Json::object());
  AnswerOne(w, Json::object());
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "c/1"));
}

// They were started one and all.
TEST(CutSteps, ALoopKeepsWhatItsItemsGave) {
  RunWorld w("steps:\n" + Step("each", "forEach: {in: [a, b]}, parameters: {x: $(each.value)}") +
             Step("b", "parameters: {all: $(steps.each.results.r)}"));
  w.Settle();
  for (const int i : {0, 1}) w.Succeed(w.Item(i), {{"r", i}});
  w.o.run.spec.suspend = true;
  w.Settle();
  Cut(w, "each");
  w.o.gathered.clear();
  w.o.run.spec.suspend = false;
  w.Settle();
  EXPECT_THAT(w.created, UnorderedElementsAre("each.0/1", "each.1/1", "b/1"));
  EXPECT_EQ(w.Status("each").results.at("r"), Json::parse("[0, 1]"));
  EXPECT_EQ(w.Status("each").items->succeeded_indexes, "0-1");
}

TEST(CutSteps, ALoopRunsTheItemsOfWhichNothingTells) {
  RunWorld w("steps:\n" + Step("each", "forEach: {in: [a, b]}, parameters: {x: $(each.value)}") +
             Step("b", "parameters: {all: $(steps.each.results.r)}"));
  w.Settle();
  for (const int i : {0, 1}) w.Succeed(w.Item(i), {{"r", i}});
  w.o.run.spec.suspend = true;
  w.Settle();
  Cut(w, "each");
  w.o.gathered.clear();
  w.item_receipts["each"].erase(1);
  w.o.run.spec.suspend = false;
  for (int i = 0; i < 3; ++i) w.Settle();
  EXPECT_THAT(w.created, UnorderedElementsAre("each.0/1", "each.1/1", "each.1/1"));
}

TEST(CutSteps, OfARunThatIsStoppedStaySucceededAndTheirReadersSayThatTheyAreOutOfReach) {
  const std::vector<std::pair<std::string, std::string>> readers{
      {"inputs: {i: $(steps.a.outputs.o)}", kNoEntry},
      {"parameters: {x: $(steps.a.results.r)}", "InvalidParameter"},
      {"forEach: {range: {to: $(steps.a.results.r)}}", "InvalidList"},
      {"when: steps.a.results.r == 5", "WhenError"},
      {"when: has(steps.a.results.r)", "WhenError"}};
  for (const auto& [reader, reason] : readers) {
    RunWorld w("steps:\n" + Step("a") + Step("b", "dependsOn: [{step: a}]") + "finally:\n" +
               Step("tell", reader));
    w.Settle();
    w.Succeed(w.Pod("a"), {{"r", 5}});
    w.o.run.spec.suspend = true;
    w.Settle();
    Cut(w, "a");
    w.o.run.spec.cancel = api::CancelMode::kStop;
    w.Settle();
    EXPECT_EQ(w.Status("a").phase, StepPhase::kSucceeded) << reader;
    EXPECT_EQ(w.Status("tell").phase, StepPhase::kFailed) << reader;
    EXPECT_EQ(w.Status("tell").reason, reason) << reader;
    EXPECT_THAT(w.Status("tell").message, HasSubstr("status had no room for its entry")) << reader;
    EXPECT_THAT(w.created, ElementsAre("a/1")) << reader;
  }
}

}  // namespace
}  // namespace penstock::plan
