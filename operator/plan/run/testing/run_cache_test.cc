// What a run's plan takes from the cache, and records in it.
#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(PlanRun, AHitSucceedsWithoutAPod) {
  RunWorld w(kChain);
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1u);
  EXPECT_TRUE(w.plan.actions.empty());
  Receipt hit;
  hit.outputs = {{"o", "dataset", {Digest('b'), true, 3}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {hit, ""};
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_TRUE(w.Status("a").cached);
  EXPECT_EQ(w.plan.status.summary.cached, 1);
  EXPECT_TRUE(w.created.empty());
  EXPECT_EQ(w.plan.requests.cache_keys.size(), 1u);  // b's
}

TEST(PlanRun, TellsOnlyFingerprintsOfDeclaredSourcesAndNoWallOfText) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  w.o.fingerprints["https://h/x"] = {"etag:1", ""};
  w.Settle();
  w.EndHavingRead(w.Pod("a"), {{"u", std::string(1500, 'x')}, {"invented", "etag:1"}});
  const auto sources = w.Status("a").sources;
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_EQ(sources.at("u").size(), 1024U);
}

TEST(PlanRun, ASuccessIsRecordedOnceUnderTheKeyItsPodCarries) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  const std::string key = w.Pod("a").cache_key;
  EXPECT_EQ(key.size(), 64u);
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Settle();
  EXPECT_THAT(w.recorded, ElementsAre(key));
}

// A step that judges by what its own Pipeline (the fixture's "p") published last, a model of digest
// `published`.
RunWorld Judging(char published) {
  Surroundings around;
  around.pipeline_output = [published](const std::string&, const std::string&) {
    return api::PublishedOutput{"model", "dataset", Digest(published), false, 7, "before"};
  };
  return RunWorld("steps:\n" + Step("judge", "inputs: {baseline: $(pipelines.p.outputs.model)}"),
                  {}, around);
}

TEST(PlanRun, WhatAStepPublishedIsNoReasonToRunItAgain) {
  RunWorld first = Judging('z');
  first.Settle();
  const PodFact pod = first.Pod("judge");
  EXPECT_EQ(pod.settled_key.size(), 64u);
  first.Succeed(first.Pod("judge"));
  first.Settle();
  EXPECT_THAT(first.recorded, ElementsAre(pod.cache_key, pod.settled_key));

  RunWorld second = Judging('a');  // the digest of what the first run's step made
  second.Step();
  EXPECT_THAT(second.plan.requests.cache_keys, Contains(pod.settled_key));
  second.o.cache[pod.settled_key] = {first.ReceiptOf(pod), ""};
  second.Settle();
  EXPECT_TRUE(second.Status("judge").cached);
  EXPECT_TRUE(second.created.empty());
}

TEST(PlanRun, WhatAnotherRunPublishedSinceIsAReasonToRunItAgain) {
  RunWorld w = Judging('c');
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 2u);
  Receipt before;
  before.outputs = {{"o", "dataset", {Digest('a'), false, 7}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {before, ""};  // the settled key
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("judge/1"));
}

TEST(PlanRun, ASourceThatChangedIsRecordedAsWhatWasRead) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  w.Step();
  EXPECT_THAT(w.plan.requests.fingerprints, ElementsAre("https://h/x"));
  w.o.fingerprints["https://h/x"] = {"etag:1", ""};
  w.Settle();
  PodFact& pod = w.Pod("a");
  const std::string asked = pod.cache_key;
  w.EndHavingRead(pod, {{"u", "etag:2"}});
  ASSERT_EQ(w.recorded.size(), 1u);
  EXPECT_NE(w.recorded[0], asked);

  RunWorld next("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  next.o.fingerprints["https://h/x"] = {"etag:2", ""};
  next.Step();
  EXPECT_EQ(next.plan.requests.cache_keys, w.recorded);
}

TEST(PlanRun, ASourceThatWasSilentAtTheStartIsRecordedOnceItIsRead) {
  const std::string steps = "steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}");
  RunWorld w(steps);
  w.o.fingerprints["https://h/x"] = {"", "connection refused"};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("a").cache_miss, "NoFingerprint: input 'u': connection refused");
  w.EndHavingRead(w.Pod("a"), {{"u", "etag:1"}});
  ASSERT_EQ(w.recorded.size(), 1u);
  EXPECT_EQ(w.Status("a").cache_key, w.recorded[0]);
  EXPECT_EQ(w.Status("a").sources, (std::map<std::string, std::string>{{"u", "etag:1"}}));

  RunWorld next(steps);
  next.o.fingerprints["https://h/x"] = {"etag:1", ""};
  next.Step();
  EXPECT_EQ(next.plan.requests.cache_keys, w.recorded);
}

TEST(PlanRun, WhatAStepSaysNotToReuseIsNotRecordedAndItsStatusSaysWhy) {
  RunWorld w = Judging('z');  // with a settled key too
  w.Settle();
  PodFact& pod = w.Pod("judge");
  EXPECT_EQ(w.Status("judge").cache_miss, "NotFound");
  TerminationMessage m = Message(TaskOutcome::kSucceeded);
  m.receipt = w.ReceiptOf(pod);
  m.receipt->not_reusable = "it reads\nthe clock " + std::string(600, 'x');
  w.End(pod, m);
  w.Settle();
  w.Settle();
  EXPECT_EQ(w.Status("judge").phase, api::StepPhase::kSucceeded);
  EXPECT_TRUE(w.recorded.empty());
  const std::string& said = w.Status("judge").cache_miss;
  EXPECT_EQ(said.substr(0, 33), "NotReusable: it reads the clock x");
  EXPECT_LE(said.size(), 600u);
}

TEST(PlanRun, WhatIsNotToBeReusedIsNotRecordedByItsReceiptAlone) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Step();
  Receipt receipt = w.ReceiptOf(w.Pod("a"));
  receipt.not_reusable = "it reads the clock";
  w.o.receipts[receipt.pod] = {receipt};
  w.Drop("a");
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_TRUE(w.recorded.empty());
  EXPECT_EQ(w.Status("a").cache_miss, "NotReusable: it reads the clock");
}

TEST(PlanRun, ASourceWithoutAFingerprintRunsAndIsNotRecorded) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"file:///x\"}"));
  w.o.fingerprints["file:///x"] = {"", "not here"};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("a").cache_miss, "NoFingerprint: input 'u': not here");
  w.EndHavingRead(w.Pod("a"), {});
  EXPECT_TRUE(w.recorded.empty());
}

TEST(PlanRun, AWindowOfSpansEndsWithItsRunInAllItsStepsAndAttempts) {
  const std::string uri = "s3://b/{YYYY}/{MM}/{DD}/?window=2d";
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"" + uri + "\"}, retry: {user: {limit: 1}}") +
             Step("b", "inputs: {u: \"" + uri + "&to=2026-01-01\"}"));
  w.o.run.meta.created = *ParseTime("2026-01-07T23:59:00Z");
  w.Step();
  const std::string ended = uri + "&to=2026-01-07T23:59:00Z";
  EXPECT_THAT(w.plan.requests.fingerprints, UnorderedElementsAre(ended, uri + "&to=2026-01-01"));
  w.o.run.spec.scheduled_time = *ParseTime("2025-12-01T00:00:00Z");
  w.Step();
  EXPECT_THAT(w.plan.requests.fingerprints,
              UnorderedElementsAre(uri + "&to=2025-12-01T00:00:00Z", uri + "&to=2026-01-01"));
}

TEST(PlanRun, ASourceThatMayNotBeAskedIsNamedForAsLongAsTheStepIsThere) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  w.o.fingerprints["https://h/x"] = {"", "the operator does not ask h (10.0.0.1)", true};
  w.Settle();
  const std::string said = "SourceRefused: input 'u': the operator does not ask h (10.0.0.1)";
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("a").cache_miss, said);
  w.o.run.status.steps.clear();  // a status that was not written in time
  w.Run(w.Pod("a"));
  w.Step();
  EXPECT_EQ(w.Status("a").cache_miss, said);
  w.EndHavingRead(w.Pod("a"), {});
  EXPECT_EQ(w.Status("a").cache_miss, said);
}

TEST(PlanRun, ASignatureInAUriIsInNoAnnotationButTheTasksAndStillTellsSourcesApart) {
  const auto steps = [](const std::string& uri) {
    return "steps:\n" + Step("a", "inputs: {u: \"" + uri + "\"}");
  };
  std::vector<std::string> keys;
  for (const std::string uri : {"https://h/x?id=1&sig=secret", "https://h/x?id=2&sig=secret"}) {
    RunWorld w(steps(uri));
    w.o.fingerprints[uri] = {"etag:1", ""};
    w.Settle();
    ASSERT_EQ(w.objects.size(), 1u);
    Json notes = w.objects.begin()->second["metadata"]["annotations"];
    EXPECT_NE(notes["penstock.dev/task"].get<std::string>().find(uri), std::string::npos);
    notes.erase("penstock.dev/task");
    EXPECT_EQ(notes.dump().find("secret"), std::string::npos) << notes.dump(1);
    w.EndHavingRead(w.Pod("a"), {{"u", "etag:1"}});
    ASSERT_EQ(w.recorded.size(), 1u);
    EXPECT_EQ(w.recorded[0], w.Status("a").cache_key);
    keys.push_back(w.recorded[0]);

    RunWorld next(steps(uri));
    next.o.fingerprints[uri] = {"etag:1", ""};
    next.Step();
    EXPECT_EQ(next.plan.requests.cache_keys, w.recorded);
  }
  EXPECT_NE(keys[0], keys[1]);
}

TEST(PlanRun, FollowsAnotherRunsPodForThePendingTimeoutOnly) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 30s}"));
  w.Step();
  w.o.cache[w.plan.requests.cache_keys[0]] = {std::nullopt, "other/a", w.now};
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "Following");
  EXPECT_EQ(w.plan.requeue_after, 30'000ms);
  w.now += 29s;
  w.Step();
  EXPECT_TRUE(w.created.empty());
  w.now += 1s;
  w.Step();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(PlanRun, ADamagedInputRunsItsProducerAgainAndThenTheConsumer) {
  RunWorld w(kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.now += 5s;
  auto m = Message(TaskOutcome::kInfrastructure, 0, "input i is damaged");
  m.damaged = Digest('a');
  w.End(w.Pod("b"), m);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2"));
  w.now += 5s;
  w.Settle();
  EXPECT_EQ(w.created.size(), 3u);
  w.Succeed(w.Pod("a", 2));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2", "b/2"));
  w.Succeed(w.Pod("b", 2));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(PlanRun, AStepThatRunsAgainForItsDamagedOutputShowsNoSourcesOfBefore) {
  RunWorld w(kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Drop("a");  // its status alone tells of it
  for (auto& step : w.o.run.status.steps)
    if (step.name == "a") step.sources["i"] = "etag of the first time";
  auto m = Message(TaskOutcome::kInfrastructure, 0, "input i is damaged");
  m.damaged = Digest('a');
  w.End(w.Pod("b"), m);
  w.Step();
  EXPECT_TRUE(w.Status("a").outputs.empty());
  EXPECT_TRUE(w.Status("a").sources.empty());
}

TEST(PlanRun, AStepThatMakesAnewWhatWasDamagedSaysSoAlsoWhereNoStatusWasWritten) {
  RunWorld w(kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.now += 5s;
  const api::PipelineRunStatus before = w.o.run.status;
  auto m = Message(TaskOutcome::kInfrastructure, 0, "input i is damaged");
  m.damaged = Digest('a');
  w.End(w.Pod("b"), m);
  w.Settle();
  ASSERT_EQ(w.created.back(), "a/2");
  w.o.run.status = before;
  w.Step();
  EXPECT_EQ(w.Status("a").attempts, 2);
  EXPECT_EQ(w.Status("a").cache_miss, "Damaged");
}

TEST(PlanRun, WhatKeepsTheStoreFromOneAnswerIsNotSaidOfAnother) {
  RunWorld w("steps:\n" + Step("a", "parameters: {n: 1}") + Step("b", "parameters: {n: 2}"));
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 2U);
  w.o.store_trouble[w.plan.requests.cache_keys[0]] = "input/output error";
  for (int i = 0; i < 2; ++i) {
    w.Step();
    EXPECT_EQ(w.Status("a").reason, "StoreUnavailable");
    EXPECT_EQ(w.Status("b").reason, "CacheLookup");
    EXPECT_EQ(w.plan.events.size(), i == 0 ? 1U : 0U);
  }
}

}  // namespace
}  // namespace penstock::plan
