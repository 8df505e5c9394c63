// What references become when a step starts, and what a run gives when it has ended.
#include <gmock/gmock.h>

#include "operator/plan/attempt/attempt.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TaskDocument TaskOf(const RunWorld& w, const std::string& step) {
  for (const auto& [name, pod] : w.objects)
    if (pod["metadata"]["labels"]["penstock.dev/step"] == step)
      return ParseTask(pod["metadata"]["annotations"]["penstock.dev/task"].get<std::string>())
          .value();
  ADD_FAILURE() << "no pod of " << step;
  return {};
}

std::string One(const std::string& name, const std::string& rest) {
  return "- {name: " + name + ", container: {image: \"" + kPinned + "\", command: [run]}, " + rest +
         "}\n";
}

const std::string kBranches =
    "steps:\n" + One("left", "outputs: [{name: x}], results: [{name: r, type: list}]") +
    One("right",
        "outputs: [{name: x}], results: [{name: r, type: list}], "
        "dependsOn: [{step: left, outcome: Failed}]");

TEST(PlanRun, FieldsItemsAndSpreadsOfResultsArePutIntoParameters) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r, type: object}]") +
             One("b",
                 "parameters: {first: \"$(steps.a.results.r.rows[0].name)\", "
                 "all: [zero, \"$(steps.a.results.r.more[*])\"], "
                 "text: \"n=$(steps.a.results.r.n)\"}"));
  w.Settle();
  w.Succeed(w.Pod("a"), Json::parse(R"j({"r": {"rows": [{"name": "$(run.name)"}],
                                                "more": [1, "two"], "n": 9007199254740993}})j"));
  w.Settle();
  const TaskDocument b = TaskOf(w, "b");
  EXPECT_EQ(b.parameters.at("first"), "$(run.name)") << "what is put in is not read again";
  EXPECT_EQ(b.parameters.at("all"), Json::array({"zero", 1, "two"}));
  EXPECT_EQ(b.parameters.at("text"), "n=9007199254740993");
}

TEST(PlanRun, AFieldThatAResultDoesNotHaveFailsTheStepWithItsPath) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r, type: object}]") +
             One("b", "parameters: {p: \"$(steps.a.results.r.rows[3])\"}"));
  w.Settle();
  w.Succeed(w.Pod("a"), Json::parse(R"({"r": {"rows": [1]}})"));
  w.Settle();
  EXPECT_EQ(w.Status("b").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("b").reason, "InvalidParameter");
  EXPECT_THAT(w.Status("b").message,
              HasSubstr("parameter 'p': $(steps.a.results.r.rows) is a list of 1, so it has no "
                        "item 3"));
}

// It was skipped as if the step had not given the result.
TEST(PlanRun, AFieldThatAResultDoesNotHaveFailsAnInputAndAListToo) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r, type: object}]") +
             One("b", "inputs: {x: $(steps.a.results.r.url)}") +
             One("c", "forEach: {in: \"$(steps.a.results.r.files)\"}") +
             One("d", "inputs: {x: {firstOf: [$(steps.a.results.r.url)], optional: true}}"));
  w.Settle();
  w.Succeed(w.Pod("a"), Json::parse(R"({"r": {"rows": [1]}})"));
  w.Settle();
  EXPECT_EQ(w.Status("b").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("b").reason, "InvalidInput");
  EXPECT_THAT(w.Status("b").message,
              HasSubstr("input 'x': $(steps.a.results.r) has no field 'url'; it has rows"));
  EXPECT_EQ(w.Status("c").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("c").reason, "InvalidList");
  EXPECT_THAT(w.created, ElementsAre("a/1", "d/1"));
}

TEST(PlanRun, FirstOfTakesTheBranchThatRan) {
  RunWorld w(kBranches + One("join",
                             "inputs: {x: {firstOf: [$(steps.right.outputs.x), "
                             "$(steps.left.outputs.x)]}}, parameters: {r: {firstOf: "
                             "[\"$(steps.right.results.r[1])\", \"$(steps.left.results.r[1])\", "
                             "none]}}"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("left/1"));
  w.Succeed(w.Pod("left"), Json::parse(R"({"r": [1, "second"]})"));
  w.Settle();
  EXPECT_EQ(w.Status("right").phase, api::StepPhase::kSkipped);
  const TaskDocument join = TaskOf(w, "join");
  ASSERT_EQ(join.inputs.size(), 1u);
  EXPECT_EQ(join.inputs[0].artifact->digest, Digest('a'));
  EXPECT_EQ(join.parameters.at("r"), "second");
}

TEST(PlanRun, FirstOfTakesTheLiteralWhereNothingElseIsThere) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r, type: list}]") +
             One("b",
                 "parameters: {p: {firstOf: [\"$(steps.a.results.r[1])\", 7]}, "
                 "q: {firstOf: [\"$(steps.a.results.r[1])\", null]}}"));
  w.Settle();
  w.Succeed(w.Pod("a"), Json::parse(R"({"r": [1]})"));
  w.Settle();
  EXPECT_EQ(TaskOf(w, "b").parameters, Json({{"p", 7}})) << "null is not given";
}

TEST(PlanRun, TheResultsOfAStepThatFailedAreThereForThoseThatAskForThem) {
  RunWorld w("steps:\n" +
             One("a", "results: [{name: r, type: integer, maximum: 9}, {name: q, type: integer}]") +
             One("b",
                 "parameters: {p: $(steps.a.results.r)}, "
                 "dependsOn: [{step: a, outcome: Failed}]") +
             One("c", "parameters: {p: {firstOf: [$(steps.a.results.q), 5]}}") +
             "results: [{name: r, value: $(steps.a.results.r)}]\n");
  w.Settle();
  TerminationMessage m = Message(TaskOutcome::kFailed, 1, "boom");
  m.results = Json::parse(R"({"r": 3, "q": "no integer", "other": 1})");
  w.End(w.Pod("a"), m);
  w.Settle();
  EXPECT_EQ(Json(w.Status("a").results), Json::parse(R"({"r": 3})"));
  EXPECT_EQ(TaskOf(w, "b").parameters, Json::parse(R"({"p": 3})"));
  EXPECT_EQ(TaskOf(w, "c").parameters, Json::parse(R"({"p": 5})"));
}

TEST(PlanRun, AnAttemptThatIsTriedAgainLeavesNoResultsBehind) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r}], retry: {user: {limit: 1}}"));
  w.Settle();
  TerminationMessage m = Message(TaskOutcome::kFailed, 1, "boom");
  m.results = {{"r", "of the first"}};
  w.End(w.Pod("a"), m);
  w.Settle();
  EXPECT_TRUE(w.Status("a").results.empty());
}

TEST(PlanRun, AResultThatIsNotAsDeclaredFailsItsStep) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r, type: list, items: {type: integer}}]"));
  w.Settle();
  w.Succeed(w.Pod("a"), Json::parse(R"({"r": [1, 2.5]})"));
  w.Settle();
  EXPECT_EQ(w.Status("a").reason, "ResultInvalid");
  EXPECT_THAT(w.Status("a").message, HasSubstr("the result 'r': [1]: 2.5 is no integer"));
}

TEST(PlanRun, AnOptionalInputOfAContainerMayBeAbsent) {
  RunWorld w("steps:\n" + One("a", "outputs: [{name: x, optional: true}]") +
             One("b", "inputs: {x: {firstOf: [$(steps.a.outputs.x)], optional: true}}"));
  w.Settle();
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(w.Pod("a"));
  m.receipt->outputs.clear();
  w.End(w.Pod("a"), m);
  w.Settle();
  EXPECT_TRUE(TaskOf(w, "b").inputs.empty());
}

TEST(PlanRun, AnInputMayBeAUriThatAStepFound) {
  RunWorld w("steps:\n" + One("a", "results: [{name: url}]") +
             One("b", "inputs: {x: $(steps.a.results.url)}"));
  w.Settle();
  w.Succeed(w.Pod("a"), {{"url", "https://example.com/x"}});
  w.Settle();
  EXPECT_EQ(TaskOf(w, "b").inputs.at(0).uri, "https://example.com/x");
}

TEST(PlanRun, ASourceThatAStepFoundSaysWhyItIsNotKnown) {
  RunWorld w("steps:\n" + One("a", "results: [{name: url}]") +
             One("b", "inputs: {x: $(steps.a.results.url)}"));
  w.Settle();
  w.Succeed(w.Pod("a"), {{"url", "https://example.com/x"}});
  w.o.fingerprints["https://example.com/x"].error = "answered with status 404";
  w.Settle();
  EXPECT_EQ(w.Status("b").cache_miss, "NoFingerprint: input 'x': answered with status 404");
}

TEST(PlanRun, WhatIsNoUriFailsTheStepThatAsksForIt) {
  RunWorld w("steps:\n" + One("a", "results: [{name: url}]") +
             One("b", "inputs: {x: $(steps.a.results.url)}"));
  w.Settle();
  w.Succeed(w.Pod("a"), {{"url", "/etc/passwd"}});
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "InvalidInput");
  EXPECT_THAT(w.Status("b").message, HasSubstr("input 'x': '/etc/passwd' is neither"));
}

TEST(PlanRun, WhatAsksForAValueOfItsRunIsNotCached) {
  const auto miss = [](const std::string& more) {
    RunWorld w("steps:\n" + One("a", more));
    w.Settle();
    return w.Status("a").cache_miss;
  };
  EXPECT_EQ(miss("parameters: {p: $(run.name)}"), "RunValue");
  EXPECT_EQ(miss("parameters: {p: {q: [\"x $(run.uid)\"]}}"), "RunValue");
  EXPECT_EQ(miss("parameters: {p: $(run.pipeline)}"), "RunValue");
  EXPECT_EQ(miss("parameters: {p: $(run.creationTime)}"), "RunValue");
  EXPECT_EQ(miss("parameters: {p: $(run.namespace)}"), "NotFound");
  EXPECT_EQ(miss("parameters: {p: $(run.scheduledTime)}"), "NotFound");
}

TEST(PlanRun, AStepMayAskOfWhichPipelineItIs) {
  RunWorld w("steps:\n" + One("a", "parameters: {p: $(run.pipeline)}"));
  w.o.run.spec.pipeline_ref = "flights";
  w.Settle();
  EXPECT_EQ(TaskOf(w, "a").parameters["p"], "flights");
}

TEST(PlanRun, TheLauncherGetsTheValuesOfTheRunThatTheCommandAsksFor) {
  RunWorld w(
      "steps:\n- {name: a, container: {image: i, command: [x, \"$(run.uid)\", "
      "\"$(run.scheduledTime)\", \"$(run.creationTime)\"]}}\n");
  w.o.run.spec.scheduled_time = kNoon;
  w.o.run.meta.created = kNoon + std::chrono::seconds(30);
  w.Settle();
  EXPECT_EQ(TaskOf(w, "a").values,
            Json::parse(R"({"run": {"uid": "uid-1", "scheduledTime": "2026-11-21T12:00:00Z",
                                    "creationTime": "2026-11-21T12:00:30Z"}})"));
}

TEST(PlanRun, TheExitCodeOfAStepIsAValueForThoseAfterIt) {
  const auto run = [](const std::function<void(RunWorld&)>& end) {
    auto w = std::make_unique<RunWorld>(
        "steps:\n" + One("a", "allowFailure: true") +
        One("tell", "parameters: {code: $(steps.a.exitCode)}") +
        One("three", "when: \"steps.a.exitCode == 3\"") +
        One("other", "parameters: {code: {firstOf: [$(steps.a.exitCode), -1]}}"));
    w->Settle();
    end(*w);
    w->Settle();
    return w;
  };
  const auto failed = run([](RunWorld& w) { w.Fail(w.Pod("a"), 3); });
  EXPECT_EQ(failed->Status("a").exit_code, 3);
  EXPECT_EQ(TaskOf(*failed, "tell").parameters.at("code"), 3);
  EXPECT_NE(failed->Status("three").phase, api::StepPhase::kSkipped);
  const auto succeeded = run([](RunWorld& w) { w.Succeed(w.Pod("a")); });
  EXPECT_FALSE(succeeded->Status("a").exit_code);
  EXPECT_EQ(TaskOf(*succeeded, "tell").parameters.at("code"), 0);
  EXPECT_EQ(succeeded->Status("three").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(succeeded->Status("three").reason, "WhenFalse");
  // One that ran out of time has none.
  const auto without = run([](RunWorld& w) {
    w.End(w.Pod("a"), Message(TaskOutcome::kTimedOut, 0, "timeouts.attempt has passed"));
  });
  EXPECT_EQ(without->Status("tell").reason, "ResultAbsent");
  EXPECT_EQ(TaskOf(*without, "other").parameters.at("code"), -1);
}

TEST(PlanRun, AFinallyStepSeesHowTheOthersEnded) {
  RunWorld w("steps:\n" + One("a", "results: [{name: r}]") +
             "finally:\n"
             "- {name: tell, container: {image: i, command: [x, $(run.duration)]}, parameters: "
             "{status: $(run.status), first: \"$(run.failures[0].step)\"}}\n"
             "results: [{name: how, value: $(run.status)}]\n");
  w.Settle();
  w.now += std::chrono::seconds(90);
  w.Fail(w.Pod("a"));
  w.Settle();
  const TaskDocument tell = TaskOf(w, "tell");
  EXPECT_EQ(tell.parameters, Json::parse(R"({"status": "Failed", "first": "a"})"));
  EXPECT_EQ(tell.values, Json::parse(R"({"run": {"duration": 90}})"));
  EXPECT_EQ(w.Status("tell").cache_miss, "ImageNotPinned");
  w.Succeed(w.Pod("tell"));
  w.Settle();
  EXPECT_EQ(w.plan.status.results.at("how"), "Failed");
}

TEST(PlanRun, ItsResultsAreThereWhenAllStepsHaveEnded) {
  RunWorld w("parameters: [{name: num, type: integer, default: 3}]\n" + kBranches +
             "results:\n"
             "- {name: best, value: \"$(steps.left.results.r[0])\"}\n"
             "- {name: which, value: {firstOf: [$(steps.right.results.r), "
             "$(steps.left.results.r), 0]}}\n"
             "- {name: text, value: \"n=$(parameters.num)\"}\n"
             "- {name: absent, value: $(steps.right.results.r)}\n");
  w.Settle();
  EXPECT_TRUE(w.plan.status.results.empty());
  w.Succeed(w.Pod("left"), Json::parse(R"({"r": [[0.5]]})"));
  w.Settle();
  EXPECT_EQ(Json(w.plan.status.results),
            Json::parse(R"({"best": [0.5], "which": [[0.5]], "text": "n=3"})"));
}

}  // namespace
}  // namespace penstock::plan
