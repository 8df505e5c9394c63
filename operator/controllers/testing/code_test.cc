// Where a step's own code comes from, on a whole engine.
#include <gmock/gmock.h>

#include <latch>

#include "operator/api/codec.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

class CodeOfSteps : public EngineTest {
 protected:
  void MakeGitComponent() {
    const Json component{
        {"apiVersion", "penstock.dev/v1alpha1"},
        {"kind", "Component"},
        {"metadata", {{"name", "git-1.0.0"}, {"labels", {{"penstock.dev/library", "true"}}}}},
        {"spec",
         {{"name", "git"},
          {"version", "1.0.0"},
          {"codeVersion", "1"},
          {"outputs",
           {{{"name", "folder"}, {"type", "file"}},
            {{"name", "file"}, {"type", "file"}, {"optional", true}}}},
          {"container",
           {{"image", "penstock/git"}, {"launcher", "InImage"}, {"command", {"penstock-git"}}}}}}};
    ASSERT_TRUE(cluster_.Create(kube::kComponents, "penstock-system", component, {}));
  }
  Json PodOf(const std::string& prefix) {
    for (const Json& pod : ListAll(kube::kPods)) {
      const std::string step = pod["metadata"]["labels"].value(plan::kLabelStep, "");
      if (step.starts_with(prefix)) return pod;
    }
    return {};
  }
};

const std::string kUse =
    "  steps:\n"
    "  - name: use\n"
    "    serviceAccountName: builder\n"
    "    container: {image: \"python:3.12\", command: [python, $(code.path)/report.py],\n"
    "                code: {git: {url: \"https://example.com/a.git\", revision: v1, path: "
    "steps}}}\n";

TEST_F(CodeOfSteps, APipelineWithGitIsValidAndStartsItsRun) {
  MakeGitComponent();
  StartEngine();
  Create(kube::kPipelines, "metadata: {name: p}\nspec:\n  runPolicy: OnChange\n" + kUse);
  const Json pipeline = Await(kube::kPipelines, "p", "its run has ended", [](const Json& object) {
    return object.contains("status") && object["status"].contains("lastRun") &&
           object["status"]["lastRun"].contains("outcome");
  });
  EXPECT_EQ(pipeline["status"]["lastRun"]["outcome"], "Succeeded");
  EXPECT_EQ(kubelet_->started().size(), 2U);
}

TEST_F(CodeOfSteps, GitRunsInAPodOfTheRunsNamespaceAsTheStepsServiceAccount) {
  MakeGitComponent();
  StartEngine();
  Create(kube::kPipelines, "metadata: {name: p}\nspec:\n  runPolicy: Manual\n" + kUse);
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: p}}\n");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run.dump(2);
  const Json git = PodOf("git-"), use = PodOf("use");
  ASSERT_FALSE(git.is_null());
  EXPECT_EQ(git["metadata"]["namespace"], "team");
  EXPECT_EQ(git["spec"]["serviceAccountName"], "builder");
  EXPECT_EQ(git["spec"]["containers"][0]["image"], "registry.example/git:test");
  const std::string fetched = git["metadata"]["labels"][plan::kLabelStep];
  const Json task =
      Json::parse(use["metadata"]["annotations"][plan::kAnnotationTask].get<std::string>());
  EXPECT_EQ(task["code"]["digest"], StepOf(run, fetched)["outputs"][0]["digest"]);
}

TEST_F(CodeOfSteps, ASuspendedRunIsPinnedAtOnceAlthoughItsStatusWasJustWritten) {
  status_interval_ = Milliseconds{3'600'000};
  Create(kube::kConfigMaps, "metadata: {name: program}\ndata: {report.py: \"print(1)\"}\n");
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\n"
         "spec:\n"
         "  suspend: true\n"
         "  pipelineSpec:\n"
         "    steps:\n"
         "    - name: report\n"
         "      container: {image: \"python:3.12\", code: {configMap: {name: program}},\n"
         "                  command: [python, $(code.path)/report.py]}\n");
  Await(kube::kPipelineRuns, "first", "a revision", [](const Json& object) {
    return object.contains("status") && object["status"].contains("revision");
  });
  EXPECT_TRUE(kubelet_->started().empty());
}

TEST_F(CodeOfSteps, ARunWaitsForTheConfigMapOfAParameterAndKeepsWhatItSaidThen) {
  StartEngine();
  Create(kube::kPipelines,
         "metadata: {name: p}\n"
         "spec:\n"
         "  runPolicy: Manual\n"
         "  parameters: [{name: x, valueFrom: {configMapKeyRef: {name: conf, key: k}}}]\n"
         "  steps: [{name: a, container: {image: i, command: [c, $(parameters.x)]}}]\n");
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: p}}\n");
  Await(kube::kPipelineRuns, "first", "why it waits", [](const Json& object) {
    return object.contains("status") &&
           object["status"].dump().find("ConfigMap conf, key k: there is no such ConfigMap") !=
               std::string::npos;
  });
  Await(kube::kPipelines, "p", "Ready",
        [](const Json& object) { return ConditionOf(object, "Ready") == "True"; });
  Create(kube::kConfigMaps, "metadata: {name: conf}\ndata: {k: seven}\n");
  // It would look again by itself, after half a minute.
  (void)Patch(kube::kPipelineRuns, "first", Json::parse(R"({"metadata": {"labels": {"a": "b"}}})"));
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run.dump(2);
  const Json task =
      Json::parse(PodOf("a")["metadata"]["annotations"][plan::kAnnotationTask].get<std::string>());
  EXPECT_EQ(task["parameters"]["x"], "seven");
}

TEST_F(CodeOfSteps, ARunSaysThatItIsResolvingWhileItsCodeIsFetched) {
  std::latch asked(1), answer(1);
  std::atomic<bool> first = true;
  const Interception waiting(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb == "get" && request.type.plural == "configmaps" && first.exchange(false)) {
      asked.count_down();
      answer.wait();
    }
    return std::nullopt;
  });
  Create(kube::kConfigMaps, "metadata: {name: program}\ndata: {report.py: \"print(1)\"}\n");
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\n"
         "spec:\n"
         "  pipelineSpec:\n"
         "    steps:\n"
         "    - name: report\n"
         "      container: {image: \"python:3.12\", code: {configMap: {name: program}},\n"
         "                  command: [python, $(code.path)/report.py]}\n");
  asked.wait();
  const Json run = Await(kube::kPipelineRuns, "first", "a condition", [](const Json& object) {
    return ConditionOf(object, "Reconciling") == "True";
  });
  EXPECT_EQ(ConditionOf(run, "Finished"), "False");
  const auto status = api::DecodePipelineRun(run).value.status;
  EXPECT_EQ(api::FindCondition(status.conditions, "Ready")->reason, "Resolving");
  answer.count_down();
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
}

// A run of one step whose program and packages come from a ConfigMap.
class PackagesOfSteps : public CodeOfSteps {
 protected:
  void Start(const std::string& lock) {
    Create(
        kube::kConfigMaps,
        "metadata: {name: program}\ndata: {report.py: \"print(1)\", r.lock: \"" + lock + "\"}\n");
    StartEngine();
    Create(kube::kPipelineRuns,
           "metadata: {name: first}\n"
           "spec:\n"
           "  pipelineSpec:\n"
           "    steps:\n"
           "    - name: report\n"
           "      container: {image: \"python:3.12\", command: [python, $(code.path)/report.py],\n"
           "                  code: {configMap: {name: program}, requirements: {file: r.lock}}}\n");
  }
};

TEST_F(PackagesOfSteps, ALockInAConfigMapIsInstalledByAPodOfTheStepsImage) {
  Start("six==1.16.0");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run.dump(2);
  const Json pip = PodOf("pip-"), report = PodOf("report");
  ASSERT_FALSE(pip.is_null());
  EXPECT_EQ(pip["spec"]["containers"][0]["image"], "python:3.12");
  const Json task =
      Json::parse(report["metadata"]["annotations"][plan::kAnnotationTask].get<std::string>());
  const std::string installed = pip["metadata"]["labels"][plan::kLabelStep];
  EXPECT_EQ(task["packages"]["digest"], StepOf(run, installed)["outputs"][0]["digest"]);
}

TEST_F(PackagesOfSteps, ALineThatIsNotPinnedStallsTheRunWithItsNumber) {
  Start("six==1.16.0\\nnumpy\\n");
  const Json run = Await(kube::kPipelineRuns, "first", "a complaint", [](const Json& object) {
    return ConditionOf(object, "Stalled") == "True";
  });
  const auto status = api::DecodePipelineRun(run).value.status;
  EXPECT_THAT(api::FindCondition(status.conditions, "Stalled")->message,
              ::testing::HasSubstr("r.lock': line 2: 'numpy' is not pinned; write numpy==VERSION"));
  EXPECT_TRUE(kubelet_->started().empty());
}

}  // namespace
}  // namespace penstock::controllers
