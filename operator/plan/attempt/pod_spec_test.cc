#include "operator/plan/attempt/pod_spec.h"

#include <gmock/gmock.h>

#include <functional>

#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class BuildAttempts : public ::testing::Test {
 protected:
  BuildAttempts() {
    run_.meta.name = "first";
    run_.meta.namespace_ = "team";
    run_.meta.uid = "uid-1";
    settings_.launcher_image = "launcher:1";
    settings_.store.url = "https://gateway:8443";
    settings_.store.ca_pem = "PEM";
  }

  BuiltAttempt Build(const std::string& step_yaml, std::map<std::string, Json> parameters = {}) {
    Surroundings around;
    around.code = [](const api::CodeSpec&) { return ArtifactRef{Digest('d'), true, 1}; };
    resolved_ = MustResolve("steps:\n- " + step_yaml + "\n", {}, around);
    if (resolved_.steps.empty()) return {};
    auto built =
        BuildAttempt(run_, {&resolved_.steps[0], 1, {}, "", std::move(parameters), {}}, settings_);
    EXPECT_TRUE(built) << built.error().message;
    return built.value_or({});
  }
  static Json Container(const BuiltAttempt& b) { return b.pod["spec"]["containers"][0]; }
  static std::string Task(const BuiltAttempt& b) {
    return b.pod["metadata"]["annotations"][kAnnotationTask];
  }

  api::PipelineRun run_;
  PodSettings settings_;
  ResolvedRun resolved_;
};

TEST_F(BuildAttempts, NothingThatAParameterTouchedStandsInCommandArgsOrEnv) {
  const auto b = Build(
      "{name: a, container: {image: i, command: [run, $(parameters.x)], args: [--v=$(parameters.x)]"
      ", workingDir: $(code.path), code: {artifact: \"" +
          Digest('d') + "\"}, env: [{name: X, value: $(parameters.x)}]}, parameters: {x: 1}}",
      {{"x", "$(HOME) `id`"}});
  EXPECT_THAT(b.pod["spec"].dump(), Not(HasSubstr("$(")));
  EXPECT_THAT(b.pod["spec"].dump(), Not(HasSubstr("`id`")));
  const auto task = ParseTask(Task(b));
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->parameters["x"], "$(HOME) `id`");
  EXPECT_THAT(task->args, ElementsAre("--v=$(parameters.x)"));
  EXPECT_EQ(task->env[0].value, "$(parameters.x)");
}

TEST_F(BuildAttempts, SecretsStayInThePodAndOutOfTheTask) {
  const auto b = Build(
      "{name: a, container: {image: i, command: [run], env: [{name: P, valueFrom: {secretKeyRef: "
      "{name: s, key: k}}}], envFrom: [{secretRef: {name: t}}]}}");
  EXPECT_EQ(Container(b)["env"][0]["valueFrom"]["secretKeyRef"]["name"], "s");
  EXPECT_EQ(Container(b)["envFrom"][0]["secretRef"]["name"], "t");
  EXPECT_TRUE(ParseTask(Task(b))->env.empty());
}

TEST_F(BuildAttempts, APodIsRestrictedAndHasNoTokenOfTheApi) {
  const Json spec = Build("{name: a, container: {image: i, command: [run]}}").pod["spec"];
  EXPECT_EQ(spec["automountServiceAccountToken"], false);
  EXPECT_EQ(spec["restartPolicy"], "Never");
  EXPECT_EQ(spec["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
  for (const Json& c : {spec["containers"][0], spec["initContainers"][0]}) {
    EXPECT_EQ(c["securityContext"]["allowPrivilegeEscalation"], false);
    EXPECT_EQ(c["securityContext"]["capabilities"]["drop"], Json::array({"ALL"}));
  }
  EXPECT_FALSE(spec["containers"][0]["securityContext"].contains("readOnlyRootFilesystem"));
}

TEST_F(BuildAttempts, OnlyAStepWhoseComponentAsksForItHasTheTokenOfItsServiceAccount) {
  const std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  BuiltAttempt b =
      Build("{name: a, serviceAccountName: maker, container: {image: i, command: [run]}}");
  EXPECT_THAT(b.pod.dump(), Not(HasSubstr(folder)));
  resolved_.steps[0].service_account_token = true;
  const AttemptSpec spec{&resolved_.steps[0], 1, {}, "", {}, {}};
  b = BuildAttempt(run_, spec, settings_).value();
  EXPECT_EQ(b.pod["spec"]["automountServiceAccountToken"], false) << "no container beside it";
  EXPECT_THAT(Container(b)["volumeMounts"],
              ::testing::Contains(
                  Json({{"name", "penstock-api"}, {"mountPath", folder}, {"readOnly", true}})));
  Json sources;
  for (const Json& v : b.pod["spec"]["volumes"])
    if (v["name"] == "penstock-api") sources = v["projected"]["sources"];
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[0]["serviceAccountToken"]["path"], "token");
  EXPECT_FALSE(sources[0]["serviceAccountToken"].contains("audience")) << "the API server's own";
  EXPECT_EQ(sources[1]["configMap"]["name"], "kube-root-ca.crt");
  EXPECT_EQ(sources[2]["downwardAPI"]["items"][0]["path"], "namespace");
  settings_.store = TaskStore{.url = "", .ca_pem = "", .token_file = "", .folder = "/store"};
  EXPECT_THAT(BuildAttempt(run_, spec, settings_)->pod.dump(), Not(HasSubstr(folder)))
      << "a local run has no service accounts";
}

TEST_F(BuildAttempts, TheLauncherOfTheImageNeedsNoInitContainer) {
  const auto in_image =
      Build("{name: a, container: {image: i, launcher: InImage, command: [run]}}");
  EXPECT_FALSE(in_image.pod["spec"].contains("initContainers"));
  EXPECT_EQ(Container(in_image)["command"][0], settings_.launcher_path);
  const auto copied = Build("{name: a, container: {image: i, command: [run]}}");
  EXPECT_EQ(copied.pod["spec"]["initContainers"][0]["command"],
            Json::array({settings_.launcher_path, "install", "/penstock/bin/penstock-launcher"}));
  EXPECT_EQ(
      Container(copied)["command"],
      Json::array({"/penstock/bin/penstock-launcher", "run", "--task", "/penstock/task/document",
                   "--dir", "/penstock/work", "--termination-log", "/dev/termination-log"}));
}

TEST_F(BuildAttempts, ResourcesAndSchedulingPassThrough) {
  const Json spec = Build(
                        "{name: a, container: {image: i, command: [run]}, resources: {limits: "
                        "{nvidia.com/gpu: 1, ephemeral-storage: 2Gi}}, serviceAccountName: sa, "
                        "nodeSelector: {pool: gpu}, tolerations: [{key: gpu}], "
                        "imagePullSecrets: [{name: pull}], runtimeClassName: kata, "
                        "timeouts: {attempt: 1h}}")
                        .pod["spec"];
  EXPECT_EQ(spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], 1);
  EXPECT_FALSE(spec["initContainers"][0]["resources"]["limits"].contains("nvidia.com/gpu"));
  EXPECT_EQ(spec["volumes"][0]["emptyDir"]["sizeLimit"], "2Gi");
  EXPECT_EQ(spec["serviceAccountName"], "sa");
  EXPECT_EQ(spec["nodeSelector"]["pool"], "gpu");
  EXPECT_EQ(spec["imagePullSecrets"][0]["name"], "pull");
  EXPECT_EQ(spec["runtimeClassName"], "kata");
  EXPECT_EQ(spec["activeDeadlineSeconds"], 3600 + 600 + 24 * 3600);
}

TEST_F(BuildAttempts, ALargeParameterMovesIntoAConfigMapThatAttemptsShare) {
  const std::string large(60'000, 'x');
  const std::string step = "{name: a, container: {image: i, command: [run, $(parameters.x)]}}";
  resolved_ =
      MustResolve("parameters: [{name: x, type: string, default: d}]\nsteps:\n- " + step + "\n");
  AttemptSpec spec{&resolved_.steps[0], 1, {}, "", {{"x", large}, {"small", 1}}, {}};
  const auto first = BuildAttempt(run_, spec, settings_);
  ASSERT_TRUE(first);
  spec.attempt = 2;
  const auto second = BuildAttempt(run_, spec, settings_);
  EXPECT_LE(Task(*first).size(), kMaxTaskBytes);
  EXPECT_EQ(first->config_map_name, second->config_map_name);
  EXPECT_EQ(first->config_map["immutable"], true);
  EXPECT_EQ(first->config_map["metadata"]["ownerReferences"][0]["uid"], "uid-1");
  const Json config = Json::parse(first->config_map["data"]["config.json"].get<std::string>());
  EXPECT_EQ(config["parameters"]["x"], large);
  EXPECT_EQ(ParseTask(Task(*first))->parameters, Json({{"small", 1}}));
  EXPECT_THAT(Container(*first)["command"].dump(), HasSubstr("--task-config"));
}

TEST_F(BuildAttempts, ATaskOver900KiBNamesTheParameter) {
  resolved_ = MustResolve("steps:\n- {name: a, container: {image: i, command: [run]}}\n");
  std::map<std::string, Json> many;
  for (int i = 0; i < 16; ++i) many["p" + std::to_string(i)] = std::string(60'000, 'x');
  many["big"] = std::string(65'000, 'x');
  auto built = BuildAttempt(run_, {&resolved_.steps[0], 1, {}, "", many, {}}, settings_);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(built.error().message, HasSubstr("the parameter 'big' alone has 63 KiB"));
}

TEST_F(BuildAttempts, ALocalStoreNeedsNoToken) {
  settings_.store = {};
  settings_.store.folder = "/store";
  const auto b = Build("{name: a, container: {image: i, command: [run]}}");
  EXPECT_THAT(b.pod["spec"].dump(), Not(HasSubstr("serviceAccountToken")));
  EXPECT_EQ(ParseTask(Task(b))->store.folder, "/store");
}

TEST_F(BuildAttempts, WhatIsWrittenIsReadBack) {
  resolved_ = MustResolve("steps:\n- {name: a, container: {image: i, command: [run]}}\n");
  AttemptSpec spec{&resolved_.steps[0], 3, {.user = 1, .infrastructure = 2}, "key", {}, {}};
  spec.cache_base = "base";
  spec.remakes_damage = true;
  spec.inputs = {{"u", "", std::nullopt, "https://h/x", "etag:1"}};
  const auto built = BuildAttempt(run_, spec, settings_);
  const PodFact fact = DecodePod(built->pod);
  EXPECT_EQ(fact.name, built->pod_name);
  EXPECT_EQ(fact.step, "a");
  EXPECT_EQ(fact.attempt, 3);
  EXPECT_EQ(fact.spent.user, 1);
  EXPECT_EQ(fact.spent.infrastructure, 2);
  EXPECT_EQ(fact.cache_key, "key");
  EXPECT_EQ(fact.cache_base, "base");
  EXPECT_TRUE(fact.remakes_damage);
  EXPECT_EQ(fact.source_uris.at("u"), "https://h/x");
  EXPECT_EQ(fact.phase, PodPhase::kPending);
}

TEST(PodName, FitsALabelAndTellsRunsStepsAndAttemptsApart) {
  const std::string run(200, 'r');
  const std::string step(40, 's');
  const auto name = PodName(run, "uid", step, 12);
  EXPECT_LE(name.size(), 63u);
  EXPECT_NE(name, PodName(run, "uid", step, 13));
  EXPECT_NE(name, PodName(run, "uid2", step, 12));
  EXPECT_NE(name, PodName(run, "uid", step + "x", 12));
  EXPECT_EQ(PodName("a.b-", "u", "c", 1).substr(0, 7), "a-b-c-1");
}

// What a kubelet shows of a pod, field by field.
TEST(DecodePod, ReadsWhyAPodWaitsAndHowItEnded) {
  const Json pod = Json::parse(R"({"metadata":{"name":"x","labels":{"penstock.dev/step":"a"}},
    "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",
    "reason":"Unschedulable","message":"0/1 nodes"}]}})");
  EXPECT_EQ(DecodePod(pod).waiting_reason, "Unschedulable");
  const Json pulling = Json::parse(R"({"metadata":{"name":"x"},"status":{"phase":"Pending",
    "initContainerStatuses":[{"name":"install","state":{"waiting":{"reason":"ImagePullBackOff",
    "message":"no such image"}}}],
    "containerStatuses":[{"name":"step","state":{"waiting":{"reason":"PodInitializing"}}}]}})");
  EXPECT_EQ(DecodePod(pulling).waiting_reason, "ImagePullBackOff");
  const Json dead = Json::parse(R"({"metadata":{"name":"x"},"status":{"phase":"Failed",
    "reason":"Evicted","conditions":[{"type":"DisruptionTarget","status":"True"}],
    "containerStatuses":[{"name":"step","state":{"terminated":{"exitCode":137,
    "reason":"OOMKilled","message":"{}","startedAt":"2026-11-21T12:00:00Z",
    "finishedAt":"2026-11-21T12:00:05Z"}}}]}})");
  const PodFact fact = DecodePod(dead);
  EXPECT_TRUE(fact.disrupted);
  EXPECT_TRUE(fact.oom_killed);
  EXPECT_EQ(fact.exit_code, 137);
  EXPECT_EQ(fact.finished, kNoon + 5s);
}

Json PodWithEndedStep(const char* phase, int exit_code) {
  const Json end{{"exitCode", exit_code},
                 {"message", "{}"},
                 {"startedAt", "2026-11-21T12:00:00Z"},
                 {"finishedAt", "2026-11-21T12:00:05Z"}};
  const Json step{{"name", kStepContainer}, {"state", {{"terminated", end}}}};
  return {{"metadata", {{"name", "x"}}},
          {"status", {{"phase", phase}, {"containerStatuses", Json::array({step})}}}};
}

// The kubelet says so of the pod a second later, after its sandbox was stopped.
TEST(DecodePod, AStepThatEndedWellIsSucceededBeforeItsPodIs) {
  EXPECT_EQ(DecodePod(PodWithEndedStep("Pending", 0)).phase, PodPhase::kSucceeded);
  const PodFact fact = DecodePod(PodWithEndedStep("Running", 0));
  EXPECT_EQ(fact.phase, PodPhase::kSucceeded);
  EXPECT_EQ(fact.finished, kNoon + 5s);
}

TEST(DecodePod, AStepThatFailedWaitsForItsPodsOwnWord) {
  EXPECT_EQ(DecodePod(PodWithEndedStep("Running", 143)).phase, PodPhase::kRunning);
  EXPECT_EQ(DecodePod(PodWithEndedStep("Failed", 0)).phase, PodPhase::kFailed);
}

TEST(DecodePod, AnInstalledLauncherIsNoEnd) {
  Json pod = PodWithEndedStep("Pending", 0);
  Json& status = pod["status"];
  status["initContainerStatuses"] = status["containerStatuses"];
  status["initContainerStatuses"][0]["name"] = kInstallContainer;
  status.erase("containerStatuses");
  EXPECT_EQ(DecodePod(pod).phase, PodPhase::kPending);
}

TEST(DecodePod, SurvivesObjectsOfTheWrongShape) {
  for (const char* text : {"{}", "[]", "null", R"({"metadata":5,"status":"x"})",
                           R"({"status":{"containerStatuses":{"name":"step"},"conditions":[1]}})"})
    EXPECT_EQ(DecodePod(Json::parse(text)).attempt, 1) << text;
  EXPECT_EQ(DecodeSpent(R"({"user":"many","timeout":-3})").timeout, 0);
}

}  // namespace
}  // namespace penstock::plan
