// What a Pipeline registers (spec.registers), over the in-memory cluster: with what its run says,
// once, wherever the operator is killed.
#include <gmock/gmock.h>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class EngineRegisters : public EngineTest {
 protected:
  void CreatePipeline(const std::string& name) {
    Create(kube::kPipelines,
           "metadata: {name: " + name +
               "}\nspec:\n  runPolicy: Manual\n  parameters: [{name: rate, type: number, default: "
               "0.5}]\n  steps:\n  - {name: train, container: {image: \"a@sha256:" +
               std::string(64, '1') +
               "\", command: [a]}, parameters: {rate: $(parameters.rate)}, outputs: [{name: data, "
               "type: dataset}, {name: m}]}\n  outputs: {model: $(steps.train.outputs.m)}\n  "
               "registers: [{model: " +
               name + ", output: model}]\n");
  }
  void CreateRun(const std::string& name, const std::string& pipeline, const std::string& rate) {
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineRef: {name: " + pipeline + "}" +
               (rate.empty() ? "" : ", parameters: {rate: " + rate + "}") + "}\n");
  }
  std::vector<Json> VersionsOf(const std::string& model) {
    std::vector<Json> versions;
    for (const Json& version : ListAll(kube::kModelVersions))
      if (version["spec"]["model"] == model) versions.push_back(version);
    return versions;
  }
  // Until the status says that what `run` gave is version `number`.
  Json AwaitRegistered(const std::string& pipeline, const std::string& run, int number) {
    return Await(kube::kPipelines, pipeline, "the output of " + run + " is registered",
                 [&](const Json& p) {
                   const Json said = p.value(Json::json_pointer("/status/registered"), Json());
                   return said.is_array() && said.size() == 1 && said[0]["run"] == run &&
                          said[0]["version"] == number;
                 });
  }
};

TEST_F(EngineRegisters, ThePublishedOutputWithWhatItsRunSaysOnceForEachContent) {
  // In the order of their names: several may have been made in one second.
  StartEngine();
  CreatePipeline("late");
  CreateRun("r1", "late", "");
  AwaitRegistered("late", "r1", 1);
  const Json spec = Get(kube::kModelVersions, "late-v1")["spec"];
  const Json run = Get(kube::kPipelineRuns, "r1");
  EXPECT_EQ(spec["run"], "r1");
  EXPECT_EQ(spec["digest"], run["status"]["outputs"][0]["digest"]);
  EXPECT_EQ(spec["parameters"], Json({{"rate", 0.5}}));  // its default, with which it ran
  EXPECT_EQ(spec["data"]["train-data"], StepOf(run, "train")["outputs"][0]["digest"]);
  CreateRun("r2", "late", "0.7");
  AwaitRegistered("late", "r2", 2);
  CreateRun("r3", "late", "0.7");  // from the cache: the same bytes
  AwaitFinished("r3");
  Await(kube::kPipelines, "late", "it is published",
        [](const Json& p) { return p["status"]["outputs"][0]["run"] == "r3"; });
  CreateRun("r4", "late", "0.5");
  AwaitRegistered("late", "r4", 1);
  EXPECT_THAT(VersionsOf("late"), SizeIs(2));
}

TEST_F(EngineRegisters, ANumberThatAnotherTakesMeanwhileIsLeftToHim) {
  bool taken = false;
  const Interception rival(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type != kube::kModelVersions || taken)
      return std::nullopt;
    taken = true;
    return Error{ErrorKind::kAlreadyExists, "late-v1 exists already"};
  });
  StartEngine();
  CreatePipeline("late");
  CreateRun("first", "late", "");
  AwaitRegistered("late", "first", 1);
  EXPECT_TRUE(taken);
}

TEST_F(EngineRegisters, WhatTheApiServerRefusesIsToldAndTriedAgain) {
  std::atomic<bool> refusing = true;
  const Interception refusal(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type != kube::kModelVersions || !refusing)
      return std::nullopt;
    return Error{ErrorKind::kForbidden, "modelversions is forbidden"};
  });
  StartEngine();
  CreatePipeline("late");
  CreateRun("first", "late", "");
  const Json told = Await(kube::kPipelines, "late", "it is told", [](const Json& p) {
    return p.dump().find("modelversions is forbidden") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(told, "Ready"), "True");
  EXPECT_THAT(told.dump(), HasSubstr("ModelVersion late-v1: modelversions is forbidden"));
  refusing = false;
  AwaitRegistered("late", "first", 1);
}

class RegisterSweep : public EngineRegisters, public ::testing::WithParamInterface<bool> {};

TEST_P(RegisterSweep, KilledAtAnyWriteMakesOneVersion) {
  for (int n = 0;; ++n) {
    const std::string name = "late-" + std::to_string(n) + "x", run = "run-" + std::to_string(n);
    KillSwitch kill(n, GetParam());
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    CreatePipeline(name);
    CreateRun(run, name, "");
    const auto is_registered = [&] {
      return Get(kube::kPipelines, name).contains(Json::json_pointer("/status/registered"));
    };
    while (!kill.dead() && !is_registered()) std::this_thread::yield();
    const bool killed = kill.dead();
    StartEngine();
    AwaitRegistered(name, run, 1);
    EXPECT_THAT(VersionsOf(name), SizeIs(1)) << "killed at write " << n;
    if (HasFailure()) return;
    StopEngine();
    ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", run, {}, {}));
    ASSERT_TRUE(cluster_.Delete(kube::kPipelines, "team", name, {}, {}));
    if (killed) continue;
    EXPECT_GT(n, 3);
    return;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWrite, RegisterSweep, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "AfterIt" : "BeforeIt"; });

}  // namespace
}  // namespace penstock::controllers
