#include <gmock/gmock.h>

#include <fstream>

#include "operator/base/sha256.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/metadata/query.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

// Three steps in a chain; images by digest, so that every step is cacheable.
std::string Steps() {
  const std::string image = "registry.example.com/tool@sha256:" + std::string(64, '1');
  const auto step = [&](const std::string& name, const std::string& parameter,
                        const std::string& input) {
    return "  - name: " + name + "\n    container: {image: \"" + image + "\", command: [" + name +
           "]}\n" + (parameter.empty() ? "" : "    parameters: {value: " + parameter + "}\n") +
           (input.empty() ? "" : "    inputs: {data: $(steps." + input + ".outputs.data)}\n") +
           "    outputs: [{name: data, type: dataset}]\n";
  };
  return "  parameters: [{name: rate, type: number, default: 0.1}]\n  steps:\n" +
         step("ingest", "", "") + step("prepare", "", "ingest") +
         step("train", "$(parameters.rate)", "prepare") +
         "    retry: {user: {limit: 1, backoff: 1ms}}\n"
         "    results: [{name: auc, type: number}]\n"
         "  outputs: {model: $(steps.train.outputs.data)}\n";
}

std::string InlineRun(const std::string& name, const std::string& extra = "") {
  std::string steps = Steps();
  std::string indented;
  for (std::size_t at = 0; at < steps.size();) {
    const auto end = steps.find('\n', at);
    indented += "  " + steps.substr(at, end - at + 1);
    at = end + 1;
  }
  return "metadata: {name: " + name + "}\nspec:\n" + extra + "  pipelineSpec:\n" + indented;
}

std::string Pipeline(const std::string& name, const std::string& policy) {
  return "metadata: {name: " + name + "}\nspec:\n  runPolicy: " + policy + "\n" + Steps();
}

using Engines = EngineTest;

TEST_F(Engines, CarryARunFromItsSpecToItsOutputs) {
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(run["status"]["summary"]["succeeded"], 3);
  ASSERT_EQ(run["status"]["outputs"].size(), 1u);
  EXPECT_EQ(run["status"]["outputs"][0]["name"], "model");
  EXPECT_EQ(StepOf(run, "train")["results"]["auc"], 0.75);
  EXPECT_THAT(kubelet_->started(), ElementsAre("ingest/1", "prepare/1", "train/1"));
  EXPECT_EQ(ListAll(kube::kControllerRevisions).size(), 1u);
}

TEST_F(Engines, RunTheLibrarysComponentsInThisInstallationsImage) {
  StartEngine();
  const Json component{
      {"apiVersion", "penstock.dev/v1alpha1"},
      {"kind", "Component"},
      {"metadata", {{"name", "split-1.0.0"}, {"labels", {{"penstock.dev/library", "true"}}}}},
      {"spec",
       {{"name", "split"},
        {"version", "1.0.0"},
        {"codeVersion", "1"},
        {"container", {{"image", "penstock/components"}, {"command", {"split"}}}}}}};
  ASSERT_TRUE(cluster_.Create(kube::kComponents, "penstock-system", component, {}));
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\nspec: {pipelineSpec: {steps: [{name: a, component: {name: "
         "split, version: \"1\", library: true}}]}}\n");
  AwaitFinished("first");
  const auto pods = ListAll(kube::kPods);
  ASSERT_EQ(pods.size(), 1u);
  EXPECT_EQ(pods[0]["spec"]["containers"][0]["image"], "registry.example/components:test");
}

TEST_F(Engines, TakeEveryStepOfAnEqualRunFromTheCache) {
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json first = AwaitFinished("first");
  Create(kube::kPipelineRuns, InlineRun("second"));
  const Json second = AwaitFinished("second");
  EXPECT_EQ(ConditionOf(second, "Succeeded"), "True");
  EXPECT_EQ(second["status"]["summary"]["cached"], 3);
  EXPECT_EQ(second["status"]["outputs"][0]["digest"], first["status"]["outputs"][0]["digest"]);
  EXPECT_EQ(kubelet_->started().size(), 3u);
}

TEST_F(Engines, RunAStepAgainWhoseCachedOutputIsGone) {
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json first = AwaitFinished("first");
  const auto digest = StepOf(first, "ingest")["outputs"][0]["digest"].get<std::string>();
  auto blob = store_->BlobPath("team", digest);
  ASSERT_TRUE(blob);
  std::filesystem::remove(*blob);
  Create(kube::kPipelineRuns, InlineRun("second"));
  const Json second = AwaitFinished("second");
  EXPECT_EQ(ConditionOf(second, "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("ingest"), 2);
  EXPECT_EQ(kubelet_->starts("train"), 1);
}

TEST_F(Engines, TryAFailedStepAgainAndSpendItsBudget) {
  kubelet_->Script("train", 1, Ending::kFail);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(StepOf(run, "train")["attempts"], 2);
}

TEST_F(Engines, FailTheRunWhenTheBudgetIsSpent) {
  kubelet_->Script("train", 1, Ending::kFail);
  kubelet_->Script("train", 2, Ending::kFail);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
  EXPECT_EQ(StepOf(run, "train")["phase"], "Failed");
  EXPECT_EQ(kubelet_->starts("train"), 2);
}

TEST_F(Engines, AnEvictionDoesNotSpendTheUsersBudget) {
  kubelet_->Script("ingest", 1, Ending::kEvict);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("ingest"), 2);
}

TEST_F(Engines, APodThatVanishedAfterItsReceiptHasSucceeded) {
  kubelet_->Script("prepare", 1, Ending::kSilentSuccess);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("prepare"), 1);
}

TEST_F(Engines, APodThatSomebodyDeletedIsMadeAgain) {
  kubelet_->Script("prepare", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  const Json run = Await(kube::kPipelineRuns, "first", "prepare runs", [](const Json& object) {
    return StepOf(object, "prepare").value("phase", "") == "Running";
  });
  kube::DeleteOptions now;
  now.grace_period_seconds = 0;
  ASSERT_TRUE(cluster_.Delete(kube::kPods, "team", StepOf(run, "prepare")["pod"], now));
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("prepare"), 2);
}

TEST_F(Engines, TellWhatIsMissingAndGoOnWhenItComes) {
  StartEngine();
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: chain}}\n");
  const Json stalled = Await(kube::kPipelineRuns, "first", "stalled", [](const Json& object) {
    return ConditionOf(object, "Stalled") == "True";
  });
  EXPECT_THAT(stalled.dump(), HasSubstr("no Pipeline chain"));
  Create(kube::kPipelines, Pipeline("chain", "Manual"));
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
}

TEST_F(Engines, ARunMadeByHandPublishesAndIsFoundByThePipelinesLabel) {
  StartEngine();
  Create(kube::kPipelines, Pipeline("chain", "Manual"));
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: chain}}\n");
  AwaitFinished("first");
  const Json pipeline = Await(
      kube::kPipelines, "chain", "outputs are published",
      [](const Json& object) { return object.contains(Json::json_pointer("/status/outputs")); });
  EXPECT_EQ(pipeline["status"]["outputs"][0]["run"], "first");
  EXPECT_EQ(Get(kube::kPipelineRuns, "first")["metadata"]["labels"]["penstock.dev/pipeline"],
            "chain");

  Create(kube::kPipelineRuns,
         "metadata: {name: trial}\nspec: {publish: false, pipelineRef: {name: chain}, parameters: "
         "{rate: 0.2}}\n");
  AwaitFinished("trial");
  Await(kube::kPipelines, "chain", "trial was seen to end", [](const Json& object) {
    return object["status"]["lastRun"].value("name", "") == "trial" &&
           object["status"]["lastRun"].value("outcome", "") == "Succeeded";
  });
  EXPECT_EQ(Get(kube::kPipelines, "chain")["status"]["outputs"][0]["run"], "first");
}

TEST_F(Engines, ARunKeepsWhatItWasMadeOfWhenItsPipelineChanges) {
  kubelet_->Script("ingest", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Pipeline("chain", "Manual"));
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: chain}}\n");
  Await(kube::kPipelineRuns, "first", "ingest runs", [](const Json& object) {
    return StepOf(object, "ingest").value("phase", "") == "Running";
  });
  ASSERT_TRUE(cluster_.Delete(kube::kPipelines, "team", "chain"));
  StopEngine();
  StartEngine();
  kubelet_->Finish("ingest");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_THAT(kubelet_->started(), ElementsAre("ingest/1", "prepare/1", "train/1"));
}

// docs/guide.md, "The last good one".
TEST_F(Engines, WhatWasPublishedLastStandsInForAStepThatFailed) {
  StartEngine();
  Create(kube::kPipelines,
         "metadata: {name: daily}\nspec:\n  runPolicy: Manual\n  steps:\n"
         "  - {name: make, allowFailure: true, container: {image: tool, command: [work]}, "
         "outputs: [{name: model}]}\n"
         "  - {name: use, container: {image: tool, command: [work]}, inputs: {model: {firstOf: "
         "[$(steps.make.outputs.model), $(pipelines.daily.outputs.model)]}}}\n"
         "  outputs: {model: $(steps.make.outputs.model)}\n");
  const auto run = [&](const std::string& name) {
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineRef: {name: daily}}\n");
    return AwaitFinished(name);
  };
  kubelet_->Script("make", 1, Ending::kFail);
  const Json none = run("none");
  EXPECT_EQ(StepOf(none, "use")["phase"], "Skipped") << "nothing was ever published";
  kubelet_->Script("make", 1, Ending::kSucceed);
  const Json good = run("good");
  const Json model = StepOf(good, "make")["outputs"][0]["digest"];
  Await(kube::kPipelines, "daily", "published", [&](const Json& o) {
    const Json outputs = o["status"].value("outputs", Json::array());
    return !outputs.empty() && outputs[0]["digest"] == model;
  });
  kubelet_->Script("make", 1, Ending::kFail);
  const Json late = run("late");
  EXPECT_EQ(ConditionOf(late, "Succeeded"), "True");
  EXPECT_EQ(StepOf(late, "make")["phase"], "Failed");
  EXPECT_EQ(StepOf(late, "use")["phase"], "Succeeded");
  EXPECT_EQ(Get(kube::kPipelines, "daily")["status"]["outputs"][0]["run"], "good");
}

TEST_F(Engines, ARunGetsTheLabelsThatItsPipelineMakesOfParameters) {
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: labelled, labels: {team: data}}\nspec: {parameters: {town: Ulm}, "
         "pipelineSpec: {parameters: [{name: town}], runLabels: {town: $(parameters.town)}, "
         "steps: [{name: a, container: {image: tool, command: [work]}}]}}\n");
  const Json run = AwaitFinished("labelled");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(run["metadata"]["labels"]["town"], "Ulm");
  EXPECT_EQ(run["metadata"]["labels"]["team"], "data");
}

// A default that does not fit is told of; only where runs begin by themselves is it a mistake.
TEST_F(Engines, APipelineWhoseRunsMayGiveAnotherValueThanADefaultThatDoesNotFitIsReady) {
  StartEngine();
  const std::string spec =
      "  parameters: [{name: town, default: New York}]\n"
      "  runLabels: {town: $(parameters.town)}\n"
      "  steps: [{name: a, container: {image: i, command: [c]}}]\n";
  const auto await = [&](const std::string& name, const std::string& ready,
                         const std::string& reason) {
    const Json object = Await(kube::kPipelines, name, ready, [&](const Json& seen) {
      return ConditionOf(seen, "Ready") == ready;
    });
    const std::string conditions = object["status"]["conditions"].dump();
    EXPECT_THAT(conditions, HasSubstr("\"" + reason + "\""));
    EXPECT_THAT(conditions, HasSubstr("'New York' is no label value"));
  };
  Create(kube::kPipelines, "metadata: {name: by-hand}\nspec:\n  runPolicy: Manual\n" + spec);
  await("by-hand", "True", "ValidWithWarnings");
  Create(kube::kPipelines, "metadata: {name: by-itself}\nspec:\n  runPolicy: OnChange\n" + spec);
  await("by-itself", "False", "InvalidSpec");
}

TEST_F(Engines, ASecondRunFollowsTheFirstsPodInsteadOfMakingItsOwn) {
  kubelet_->Script("ingest", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  Await(kube::kPipelineRuns, "first", "ingest runs", [](const Json& object) {
    return StepOf(object, "ingest").value("phase", "") == "Running";
  });
  Create(kube::kPipelineRuns, InlineRun("second"));
  Await(kube::kPipelineRuns, "second", "follows", [](const Json& object) {
    return StepOf(object, "ingest").value("reason", "") == "Following";
  });
  kubelet_->Finish("ingest");
  AwaitFinished("first");
  EXPECT_EQ(ConditionOf(AwaitFinished("second"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("ingest"), 1);
}

TEST_F(Engines, ARefusedPodIsWaitingAndSaysWhy) {
  std::atomic<bool> full = true;
  const Interception refusing(
      cluster_, [&full](const local::Request& request) -> std::optional<Error> {
        if (request.verb != "create" || request.type.plural != "pods" || !full) return std::nullopt;
        Error error;
        error.kind = ErrorKind::kQuota;
        error.message = "exceeded quota: compute";
        return error;
      });
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first"));
  Await(kube::kPipelineRuns, "first", "the quota is told", [](const Json& object) {
    const Json ingest = StepOf(object, "ingest");
    return ingest.value("reason", "") == "QuotaExceeded" &&
           ingest.value("message", "") == "exceeded quota: compute";
  });
  full = false;
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
}

TEST_F(Engines, TheStepsCodeInAConfigMapIsAnArtifact) {
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\n"
         "spec:\n"
         "  pipelineSpec:\n"
         "    steps:\n"
         "    - name: report\n"
         "      container: {image: \"python:3.12\", code: {configMap: {name: program}},\n"
         "                  command: [python, $(code.path)/report.py]}\n");
  Await(kube::kPipelineRuns, "first", "stalled",
        [](const Json& object) { return ConditionOf(object, "Stalled") == "True"; });
  Create(kube::kConfigMaps, "metadata: {name: program}\ndata: {report.py: \"print(1)\"}\n");
  Patch(kube::kPipelineRuns, "first", {{"metadata", {{"annotations", {{"look", "again"}}}}}});
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
}

TEST_F(Engines, AFinishedRunIsDeletedWhenItsTimeIsOver) {
  StartEngine();
  Create(kube::kPipelineRuns, InlineRun("first", "  ttlAfterFinished: 1ms\n"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto gone = [&] {
    return Get(kube::kPipelineRuns, "first").is_null() && ListAll(kube::kPods).empty();
  };
  while (!gone() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(Get(kube::kPipelineRuns, "first").is_null());
  EXPECT_THAT(ListAll(kube::kPods), testing::IsEmpty());
}

TEST_F(Engines, TheHistoryIsWrittenAgainWhenItsFileIsLost) {
  metadata::BatchRecorderOptions options;
  const auto file = folder_ / "metadata.db";
  options.database = metadata::SqliteFile(file);
  {
    const auto recorder = metadata::BatchRecorder::Open(options, clock_);
    StartEngine(nullptr, recorder.get());
    Create(kube::kPipelineRuns, InlineRun("first"));
    AwaitFinished("first");
    StopEngine();
  }
  std::filesystem::remove(file);
  std::filesystem::remove(file.string() + "-wal");
  std::filesystem::remove(file.string() + "-shm");
  {
    const auto recorder = metadata::BatchRecorder::Open(options, clock_);
    StartEngine(nullptr, recorder.get());
    Create(kube::kPipelineRuns, InlineRun("second"));
    AwaitFinished("second");
    StopEngine();
  }
  const metadata::Query query(file);
  auto first = query.Run("team", "first");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->outcome, "Succeeded");
  ASSERT_EQ(first->steps.size(), 3u);
  EXPECT_EQ(first->steps[2].inputs.size(), 1u);
  auto second = query.Run("team", "second");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->steps[0].cached);
}

// The process dies at its n-th write, n = 0, 1, ... until the run ends before that.
class EngineKills : public EngineTest, public ::testing::WithParamInterface<bool> {};

TEST_P(EngineKills, AtAnyWriteLeaveARunThatEndsTheSame) {
  kubelet_->Script("prepare", 1, Ending::kFail);
  std::string digest;
  for (int n = 0;; ++n) {
    const std::string name = "run-" + std::to_string(n);
    const std::size_t before = kubelet_->started().size();
    KillSwitch kill(n, GetParam());
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    std::string yaml = InlineRun(name);
    // Work of its own for every n, so that nothing comes from the cache.
    const std::string marker = "command: [ingest]}\n";
    yaml.replace(yaml.find(marker), marker.size(),
                 marker + "      parameters: {value: \"" + name + "\"}\n");
    const auto prepare = yaml.find("- name: prepare");
    yaml.insert(yaml.find("      outputs:", prepare),
                "      retry: {user: {limit: 1, backoff: 1ms}}\n");
    Create(kube::kPipelineRuns, yaml);
    while (!kill.dead() && ConditionOf(Get(kube::kPipelineRuns, name), "Finished") != "True") {
      std::this_thread::yield();
    }
    const bool killed = kill.dead();
    StartEngine();
    const Json run = AwaitFinished(name);
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << "killed at write " << n;
    const auto all = kubelet_->started();
    EXPECT_THAT(std::vector<std::string>(all.begin() + static_cast<long>(before), all.end()),
                ElementsAre("ingest/1", "prepare/1", "prepare/2", "train/1"))
        << "killed at write " << n;
    if (HasFailure()) return;
    StopEngine();
    if (!killed) {
      EXPECT_GT(n, 6);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, EngineKills, ::testing::Values(false, true),
                         [](const auto& info) {
                           return info.param ? "AnswerLost" : "NotCarriedOut";
                         });

TEST_F(Engines, AStepWaitsByNameForAnArtifactThatIsPutIntoTheStoreLater) {
  const auto file = folder_ / "late.csv";
  std::ofstream(file) << "a,b\n";
  const std::string digest = "sha256:" + Sha256Hex("a,b\n");
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: put}\nspec:\n  pipelineSpec:\n    steps:\n    - name: read\n"
         "      container: {image: i, command: [x]}\n      inputs: {data: \"" +
             digest + "\"}\n");
  const Json waiting = Await(kube::kPipelineRuns, "put", "what is missing", [](const Json& run) {
    return StepOf(run, "read").value("reason", "") == "InputMissing";
  });
  EXPECT_THAT(StepOf(waiting, "read").value("message", ""), HasSubstr("has no " + digest));
  ASSERT_TRUE(store_->Put("team", file));
  EXPECT_EQ(ConditionOf(AwaitFinished("put"), "Succeeded"), "True");
  EXPECT_THAT(kubelet_->started(), ElementsAre("read/1"));
}

}  // namespace
}  // namespace penstock::controllers
