// penstock rerun and penstock explain-cache, by the real engine, launcher and process runner.
#include <gmock/gmock.h>

#include "operator/base/file.h"
#include "operator/cli/objects/await_object.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/testing/cluster_fixture.h"
#include "operator/cli/testing/run_fixture.h"

namespace penstock::cli {
namespace {

using ::testing::HasSubstr;

class RerunHere : public RunTest {
 protected:
  int Rerun(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"rerun", "words", "--isolation", "process"};
    words.insert(words.end(), more.begin(), more.end());
    return Penstock(words);
  }
  std::string NameOfNewest() { return NewestRun()["metadata"]["name"]; }
  void Change(const std::string& what, const std::string& into) {
    std::string text = *ReadFile(folder_ / "two-steps.yaml");
    const auto at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    Write("two-steps.yaml", text.replace(at, what.size(), into));
  }
};

TEST_F(RerunHere, TakesWhatSucceededAndRunsWhatFailedByTheSameRevision) {
  ASSERT_EQ(Run({"-p", "fail=true"}), kFailed);
  const Json first = NewestRun();
  const std::string name = first["metadata"]["name"];
  // The Pipeline goes on meanwhile.
  Change("default: hello", "default: bye");
  ASSERT_EQ(Run(), kOk) << err_.str();
  ASSERT_EQ(Penstock({"rerun", name, "--isolation", "process"}), kFailed) << out_.str();
  EXPECT_THAT(out_.str() + err_.str(), HasSubstr("does run " + name + " again"));
  EXPECT_THAT(err_.str(), HasSubstr("step count failed"));
  const Json again = NewestRun();
  EXPECT_NE(again["metadata"]["name"], name);
  EXPECT_EQ(again["spec"]["rerun"], Json({{"of", name}}));
  EXPECT_EQ(again["status"]["revision"], first["status"]["revision"]);
  const Json taken = Step(again, "write");
  EXPECT_EQ(taken["reason"], "Taken");
  EXPECT_EQ(taken["cachedFrom"], name);
  EXPECT_EQ(taken["outputs"], Step(first, "write")["outputs"]);
  EXPECT_EQ(Step(again, "count")["attempts"], 1);
  ASSERT_EQ(Penstock({"logs", "words", "write"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "wrote\n") << "its log is the former run's";
}

TEST_F(RerunHere, AChangedParameterIsPutInAndALaterPipelineOnlyWhereItIsAskedFor) {
  ASSERT_EQ(Run({"-p", "fail=true", "-p", "greeting=good morning"}), kFailed);
  const std::string name = NameOfNewest();
  ASSERT_EQ(Rerun({"-p", "fail=false"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "write")["reason"], "Taken");
  EXPECT_EQ(Step(NewestRun(), "count")["results"]["words"], 3)
      << "the other parameter is as it was";
  Change("wc -w", "wc -c");
  ASSERT_EQ(Run(), kOk) << err_.str();
  EXPECT_EQ(Penstock({"rerun", name, "--isolation", "process", "-p", "fail=false"}), kInvalidSpec);
  EXPECT_THAT(err_.str(),
              HasSubstr("step count of the Pipeline words has changed since run " + name));
  ASSERT_EQ(Penstock({"rerun", name, "--isolation", "process", "-p", "fail=false", "--latest"}),
            kOk)
      << err_.str();
  EXPECT_EQ(Step(NewestRun(), "write")["reason"], "Taken");
  EXPECT_EQ(Step(NewestRun(), "count")["results"]["words"], 19);
}

TEST_F(RerunHere, ARerunOfARerunHasTheParametersOfTheFirstRun) {
  ASSERT_EQ(Run({"-p", "fail=true", "-p", "greeting=good morning"}), kFailed);
  ASSERT_EQ(Rerun({"-p", "fail=false"}), kOk) << err_.str();
  ASSERT_EQ(Rerun({"-p", "greeting=a very good morning"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "count")["results"]["words"], 5);
  ASSERT_EQ(Rerun({"--from", "write"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "count")["results"]["words"], 5);
  ASSERT_EQ(Rerun({"--from", "write", "--latest"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "count")["results"]["words"], 5);
}

TEST_F(RerunHere, FromAStepItRunsAnewThoughTheCacheHoldsIt) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string name = NameOfNewest();
  EXPECT_EQ(Rerun(), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("run " + name + " succeeded: nothing of it failed"));
  EXPECT_EQ(Rerun({"--from", "cont"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("run " + name + " has no step cont; it has write, count"));
  EXPECT_EQ(Rerun({"--from", "count", "--failed"}), kUsage);
  EXPECT_EQ(NameOfNewest(), name) << "nothing was started";
  ASSERT_EQ(Rerun({"--from", "count"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "write")["reason"], "Taken");
  EXPECT_EQ(Step(NewestRun(), "count")["cacheMiss"], "Rerun");
  ASSERT_EQ(Rerun({"--from", "write"}), kOk) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "write")["cacheMiss"], "Rerun");
  EXPECT_EQ(Step(NewestRun(), "count")["cacheMiss"], "Rerun");
}

TEST_F(RerunHere, ExplainCacheNamesTheIngredientThatIsAnotherAndTheRunThatMadeAHit) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string first = NameOfNewest();
  ASSERT_EQ(Run({"-p", "fail=false"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"explain-cache", "words", "write"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("Cache:    hit: made by run " + first + "\n"));
  EXPECT_THAT(out_.str(), HasSubstr("the same goes into it"));
  ASSERT_EQ(Run({"-p", "greeting=good morning"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"explain-cache", "words", "write"}), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("not taken: NotFound, nothing was kept under its key"));
  EXPECT_THAT(out_.str(), HasSubstr("was hello, is good morning"));
  for (const char* step : {"write", "count"}) {
    ASSERT_EQ(Penstock({"explain-cache", "words", step, "-o", "json", "--runs", "2"}), kOk);
    const Json told = Json::parse(out_.str());
    EXPECT_EQ(told["ingredientsMakeTheKey"], true) << "one is missing: " << told.dump(2);
    EXPECT_EQ(told["cacheKey"], Step(NewestRun(), step)["cacheKey"]);
    EXPECT_EQ(told["comparedWith"].size(), 2U);
    EXPECT_TRUE(told["ingredients"].contains("code")) << told.dump(2);
  }
  EXPECT_EQ(Penstock({"explain-cache", "words", "cont"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("has no step cont; it has write, count"));
}

class RerunThere : public ClusterTest {
 protected:
  RerunThere() { CreateWords(); }
  Json RunOf(const std::string& name) {
    return cluster_->client().Get(kube::kPipelineRuns, kLocalNamespace, name).value();
  }
  std::string NewOne(const std::vector<std::string>& before) {
    for (const std::string& name : RunNames())
      if (std::find(before.begin(), before.end(), name) == before.end()) return name;
    ADD_FAILURE() << "no run was made";
    return "";
  }
  static Json StepOf(const Json& run, const std::string& name) {
    for (const Json& step : run["status"]["steps"])
      if (step["name"] == name) return step;
    return {};
  }
  // As a user writes it by hand; waits for its end.
  Json ByHand(const Json& rerun) {
    const Json run{{"apiVersion", "penstock.dev/v1alpha1"},
                   {"kind", "PipelineRun"},
                   {"metadata", {{"generateName", "hand-"}, {"namespace", kLocalNamespace}}},
                   {"spec", {{"pipelineRef", {{"name", "words"}}}, {"rerun", rerun}}}};
    const auto made = cluster_->client().Create(kube::kPipelineRuns, kLocalNamespace, run);
    EXPECT_TRUE(made) << made.error().message;
    const auto ended = ReadUntil(
        cluster_->client(), kube::kPipelineRuns, kLocalNamespace, (*made)["metadata"]["name"],
        [](const Json& state) { return ConditionStatus(state, "Finished") == "True"; });
    EXPECT_TRUE(ended) << ended.error().message;
    return *ended;
  }
};

TEST_F(RerunThere, MakesARunThatTakesWhatSucceeded) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster", "-p", "fail=true"}), kFailed);
  const auto before = RunNames();
  ASSERT_EQ(Penstock({"rerun", before[0], "--cluster", "-p", "fail=false"}), kOk) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("does run " + before[0] + " again"));
  const Json run = RunOf(NewOne(before));
  EXPECT_EQ(run["spec"]["parameters"], Json({{"fail", false}}));
  EXPECT_EQ(StepOf(run, "write")["reason"], "Taken");
  EXPECT_EQ(StepOf(run, "count")["results"]["words"], 2);
  EXPECT_EQ(Penstock({"rerun", before[0], "--cluster", "--from", "x"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("has no step x; it has write, count"));
}

TEST_F(RerunThere, WhatIsWrittenByHandIsRefusedByNameAndForGood) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster"}), kOk) << err_.str();
  const std::string name = RunNames()[0];
  const auto why = [](const Json& run) {
    EXPECT_EQ(ConditionReason(run, "Succeeded"), "InvalidSpec");
    return ConditionMessage(run, "Succeeded");
  };
  EXPECT_THAT(why(ByHand({{"of", name}, {"from", {"x"}}})),
              HasSubstr("spec.rerun.from: there is no step x; there is write, count"));
  EXPECT_THAT(why(ByHand({{"of", "absent"}})),
              HasSubstr("spec.rerun.of: there is no run absent in namespace default"));
  const Json anew = ByHand({{"of", name}, {"from", {"count"}}});
  EXPECT_EQ(StepOf(anew, "write")["reason"], "Taken");
  EXPECT_EQ(StepOf(anew, "count")["cacheMiss"], "Rerun");
  EXPECT_EQ(anew["status"]["revision"], RunOf(name)["status"]["revision"]);
}

TEST_F(RerunThere, OfARunThatIsGoneTakesWhatHistoryKeeps) {
  ASSERT_EQ(Penstock({"run", "words", "--cluster", "-p", "fail=true"}), kFailed);
  const Json former = RunOf(RunNames()[0]);
  const std::string name = former["metadata"]["name"], revision = former["status"]["revision"];
  kube::Client& client = cluster_->client();
  const auto spec = client.Get(kube::kControllerRevisions, kLocalNamespace, revision);
  ASSERT_TRUE(spec) << spec.error().message;
  // What the operator's history has of it; here it is the state folder.
  ASSERT_TRUE(nodes_.Save(kube::kPipelineRuns, former));
  ASSERT_TRUE(nodes_.Save(kube::kControllerRevisions, *spec));
  ASSERT_TRUE(client.Delete(kube::kPipelineRuns, kLocalNamespace, name));
  ASSERT_TRUE(client.Delete(kube::kControllerRevisions, kLocalNamespace, revision));
  const Json again = ByHand({{"of", name}});
  EXPECT_EQ(StepOf(again, "write")["reason"], "Taken");
  EXPECT_EQ(StepOf(again, "count")["phase"], "Failed") << "by the parameter that it had";
  EXPECT_EQ(again["status"]["revision"], revision);
}

}  // namespace
}  // namespace penstock::cli
