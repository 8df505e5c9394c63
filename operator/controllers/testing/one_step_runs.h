// Runs of one step, "work", for tests of what goes wrong around it.
#pragma once

#include <string>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

class OneStepRuns : public EngineTest {
 protected:
  // A run of one step, "work", which may be cached.
  void CreateRun(const std::string& name, const std::string& step = "") {
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineSpec: {steps: [" + Work(step) + "]}}\n");
  }
  static std::string Work(const std::string& more = "") {
    return "{name: work, container: {image: \"tool@sha256:" + std::string(64, '1') +
           "\", command: [work]}" + (more.empty() ? "" : ", " + more) + "}";
  }
  Json AwaitPhase(const std::string& run, const std::string& phase) {
    return Await(kube::kPipelineRuns, run, "work is " + phase, [&](const Json& object) {
      return StepOf(object, "work").value("phase", "") == phase;
    });
  }
  Json AwaitReason(const std::string& run, const std::string& reason) {
    return Await(kube::kPipelineRuns, run, "work says " + reason, [&](const Json& object) {
      return StepOf(object, "work").value("reason", "") == reason;
    });
  }
  std::string PodOf(const std::string& run) {
    return StepOf(Get(kube::kPipelineRuns, run), "work").at("pod").get<std::string>();
  }
};

}  // namespace penstock::controllers
