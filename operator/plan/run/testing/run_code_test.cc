// Steps whose code another step of the run fetches (code.git).
#include <gmock/gmock.h>

#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunWorld UsingGit(const std::string& revision = "main") {
  return RunWorld("steps:\n- {name: use, container: {image: \"" + kPinned +
                      "\", command: [sh, $(code.path)/x.sh], code: {git: {url: \"https://h/a\", "
                      "revision: " +
                      revision + "}}}}\n",
                  {}, AroundGit());
}

std::string FetchOf(const RunWorld& w) { return w.o.resolved->steps[0].name; }

void EndWith(RunWorld& w, const std::string& step, char digest, int attempt = 1) {
  PodFact& pod = w.Pod(step, attempt);
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(pod);
  for (OutputRecord& output : m.receipt->outputs) output.artifact = {Digest(digest), true, 7};
  w.End(pod, m);
  w.Settle();
}

TaskDocument TaskOf(RunWorld& w, const std::string& step, int attempt = 1) {
  const Json& pod = w.objects.at(w.Pod(step, attempt).name);
  auto task = ParseTask(pod.at("metadata").at("annotations").at(kAnnotationTask));
  EXPECT_TRUE(task) << (task ? "" : task.error().message);
  return task ? *task : TaskDocument{};
}

TEST(PlanRun, WhatAStepFetchedIsTheCodeOfTheOneThatAskedForIt) {
  RunWorld w = UsingGit();
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1"));
  EndWith(w, FetchOf(w), 'f');
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1", "use/1"));
  const auto task = TaskOf(w, "use");
  ASSERT_TRUE(task.code);
  EXPECT_EQ(task.code->digest, Digest('f'));
  EXPECT_TRUE(task.code->folder);
}

TEST(PlanRun, ABranchIsFetchedInEachRunAndTheSameFolderIsTheSameKey) {
  const auto key = [](char fetched) {
    RunWorld w = UsingGit();
    w.Settle();
    EXPECT_EQ(w.Status(FetchOf(w)).cache_miss, "Disabled");
    EndWith(w, FetchOf(w), fetched);
    return w.Pod("use").cache_key;
  };
  EXPECT_EQ(key('f').size(), 64U);
  EXPECT_EQ(key('f'), key('f'));
  EXPECT_NE(key('f'), key('e'));
}

TEST(PlanRun, AWholeCommitIsTakenFromTheCache) {
  RunWorld w = UsingGit(std::string(40, 'c'));
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1U);
  Receipt hit;
  hit.outputs = {{"folder", "file", {Digest('f'), true, 3}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {hit, ""};
  w.Settle();
  EXPECT_TRUE(w.Status(FetchOf(w)).cached);
  EXPECT_THAT(w.created, ElementsAre("use/1"));
  EXPECT_EQ(TaskOf(w, "use").code->digest, Digest('f'));
}

TEST(PlanRun, ARepositoryThatCannotBeFetchedFailsTheRunAndSaysWhy) {
  RunWorld w = UsingGit();
  w.Settle();
  w.Fail(w.Pod(FetchOf(w)), 1, "git: https://h/a at main: repository not found");
  w.Settle();
  EXPECT_EQ(w.Status("use").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("step " + FetchOf(w)));
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("repository not found"));
}

TEST(PlanRun, CodeThatIsDamagedInTheStoreIsFetchedAgain) {
  RunWorld w = UsingGit();
  w.Settle();
  EndWith(w, FetchOf(w), 'f');
  w.now += std::chrono::seconds(5);
  TerminationMessage damaged = Message(TaskOutcome::kInfrastructure, 0, "the step's code");
  damaged.damaged = Digest('f');
  w.End(w.Pod("use"), damaged);
  w.Settle();
  w.now += std::chrono::minutes(10);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1", "use/1", FetchOf(w) + "/2"));
}

RunWorld UsingPackages(const std::string& lock = "six==1.16.0") {
  return RunWorld("steps:\n- {name: use, container: {image: \"" + kPinned +
                      "\", command: [python3, -m, x], code: {requirements: {text: \"" + lock +
                      "\"}}}}\n",
                  {}, AroundGit());
}

TEST(PlanRun, WhatAStepInstalledArePackagesOfTheOneThatAskedForThem) {
  RunWorld w = UsingPackages();
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1"));
  EXPECT_EQ(TaskOf(w, FetchOf(w)).parameters["lock"], "six==1.16.0");
  EndWith(w, FetchOf(w), 'f');
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1", "use/1"));
  const auto task = TaskOf(w, "use");
  ASSERT_TRUE(task.packages);
  EXPECT_EQ(task.packages->digest, Digest('f'));
  EXPECT_FALSE(task.code);
}

TEST(PlanRun, OtherPackagesAreAnotherKeyOfTheStepThatUsesThem) {
  const auto key = [](char installed) {
    RunWorld w = UsingPackages();
    w.Settle();
    EndWith(w, FetchOf(w), installed);
    return w.Pod("use").cache_key;
  };
  EXPECT_EQ(key('f').size(), 64U);
  EXPECT_EQ(key('f'), key('f'));
  EXPECT_NE(key('f'), key('e'));
}

// Of the step that installs a lock with an image, whose index is a Secret's.
std::string InstallKey(const std::string& lock, const std::string& image) {
  const auto run =
      MustResolve("steps:\n- {name: use, container: {image: \"" + image +
                  "\", command: [python3, -m, x], env: [{name: PIP_INDEX_URL, valueFrom: "
                  "{secretKeyRef: {name: index, key: url}}}], code: {requirements: "
                  "{text: \"" +
                  lock + "\"}}}}\n");
  const ResolvedStep& pip = run.steps.at(0);
  CacheKeyInputs in;
  in.namespace_ = "team";
  in.step = &pip;
  in.parameters["lock"] = pip.parameters.at("lock").value;
  return ComputeCacheKey(in).key;
}

TEST(PlanRun, PackagesAreInstalledOnceForAllRunsAndAgainForAnotherLockOrImage) {
  const std::string other = "registry.example.com/tool@sha256:" + std::string(64, '2');
  EXPECT_EQ(InstallKey("a==1", kPinned).size(), 64U) << "whatever password the index wants";
  EXPECT_EQ(InstallKey("a==1", kPinned), InstallKey("a==1", kPinned));
  EXPECT_NE(InstallKey("a==1", kPinned), InstallKey("a==2", kPinned));
  EXPECT_NE(InstallKey("a==1", kPinned), InstallKey("a==1", other));
  EXPECT_EQ(InstallKey("a==1", "python:3.12"), "") << "nobody knows what a tag is tomorrow";
}

TEST(PlanRun, PackagesThatAnotherRunInstalledAreTakenFromTheCache) {
  RunWorld w = UsingPackages();
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1U);
  Receipt hit;
  hit.outputs = {{"packages", "file", {Digest('f'), true, 3}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {hit, ""};
  w.Settle();
  EXPECT_TRUE(w.Status(FetchOf(w)).cached);
  EXPECT_THAT(w.created, ElementsAre("use/1"));
}

TEST(PlanRun, WhatPipSaysIsWhyTheRunFailed) {
  RunWorld w = UsingPackages();
  w.Settle();
  w.Fail(w.Pod(FetchOf(w)), 1, "ERROR: No matching distribution found for six==1.16.0");
  w.Settle();
  EXPECT_EQ(w.Status("use").phase, api::StepPhase::kSkipped);
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("step " + FetchOf(w)));
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("No matching distribution found"));
}

TEST(PlanRun, PackagesThatAreDamagedInTheStoreAreInstalledAgain) {
  RunWorld w = UsingPackages();
  w.Settle();
  EndWith(w, FetchOf(w), 'f');
  w.now += std::chrono::seconds(5);
  TerminationMessage damaged = Message(TaskOutcome::kInfrastructure, 0, "the step's packages");
  damaged.damaged = Digest('f');
  w.End(w.Pod("use"), damaged);
  w.Settle();
  w.now += std::chrono::minutes(10);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre(FetchOf(w) + "/1", "use/1", FetchOf(w) + "/2"));
}

}  // namespace
}  // namespace penstock::plan
