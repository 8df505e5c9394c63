#include "operator/plan/attempt/pod_programs.h"

#include <gmock/gmock.h>

#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class BuildPrograms : public ::testing::Test {
 protected:
  BuildPrograms() {
    run_.meta.name = "first";
    run_.meta.namespace_ = "team";
    run_.meta.uid = "uid-1";
    settings_.launcher_image = "launcher:1";
    settings_.store.url = "https://gateway:8443";
  }
  Json Pod(const std::string& step, const std::string& rest = "", const Spent& spent = {}) {
    resolved_ = MustResolve(rest + "steps:\n- {name: a, " + step + "}\n");
    if (resolved_.steps.empty()) return {};
    AttemptSpec spec;
    spec.step = &resolved_.steps[0];
    spec.spent = spent;
    auto built = BuildAttempt(run_, spec, settings_);
    EXPECT_TRUE(built) << built.error().message;
    return built ? built->pod : Json();
  }

  api::PipelineRun run_;
  PodSettings settings_;
  ResolvedRun resolved_;
};

const std::string kTwo =
    "containers: [{name: clone, image: git, command: [clone, $(workspace.path)]}, {name: build, "
    "image: gcc, command: [make], onError: Continue, env: [{name: A, value: b}, {name: S, "
    "valueFrom: "
    "{secretKeyRef: {name: s, key: k}}}]}]";

TEST_F(BuildPrograms, ContainersInTurnHaveALauncherEachAndOneTask) {
  const Json pod = Pod(kTwo);
  const Json& containers = pod["spec"]["containers"];
  ASSERT_EQ(containers.size(), 2U);
  EXPECT_EQ(containers[0]["name"], "step-clone");
  EXPECT_EQ(containers[1]["name"], "step-build");
  EXPECT_EQ(containers[0]["image"], "git");
  for (int i = 0; i < 2; ++i) {
    const auto words = containers[i]["command"].get<std::vector<std::string>>();
    EXPECT_EQ(words[words.size() - 2], "--turn");
    EXPECT_EQ(words.back(), std::to_string(i));
  }
  EXPECT_THAT(containers.dump(), Not(HasSubstr("$(")));
  EXPECT_EQ(containers[1]["env"].size(), 1U) << "only what Kubernetes has to fill in";
  EXPECT_FALSE(containers[0].contains("env"));
  const auto task = ParseTask(pod["metadata"]["annotations"][kAnnotationTask]);
  ASSERT_TRUE(task) << task.error().message;
  ASSERT_EQ(task->turns.size(), 2U);
  EXPECT_THAT(task->turns[0].command, ElementsAre("clone", "$(workspace.path)"));
  EXPECT_FALSE(task->turns[0].goes_on);
  EXPECT_TRUE(task->turns[1].goes_on);
  EXPECT_EQ(task->turns[1].env.at(0).name, "A");
  EXPECT_EQ(pod["metadata"]["annotations"][kAnnotationContainers], R"(["clone","build"])");
}

TEST_F(BuildPrograms, EachOfManyContainersHasItsShareOfWhatAPodMaySay) {
  const auto limit = [&](const std::string& step) {
    const Json pod = Pod(step);
    return ParseTask(pod["metadata"]["annotations"][kAnnotationTask])->max_message;
  };
  std::string ten;
  for (int i = 0; i < 10; ++i)
    ten += (i > 0 ? ", " : "") + std::string("{name: c") + std::to_string(i) +
           ", image: i, command: [a]}";
  EXPECT_LE(limit("containers: [" + ten + "]") * 11, kMaxTerminationMessages)
      << "and the installer";
  EXPECT_EQ(limit("container: {image: i, command: [a]}"), kMaxTerminationMessage);
}

std::string Requests(const Json& pod, const char* name) {
  std::string all;
  for (const Json& c : pod["spec"]["containers"]) {
    const Json requests = c["resources"].value("requests", Json::object());
    all += (all.empty() ? "" : " ") + requests.value(name, "-");
  }
  return all;
}

TEST_F(BuildPrograms, ContainersInTurnRequestTogetherWhatTheLargestNeeds) {
  const Json pod = Pod(
      "containers: [{name: a, image: i, command: [a], resources: {requests: {cpu: 500m, memory: "
      "1Gi}}}, {name: b, image: i, command: [b], resources: {requests: {cpu: \"2\", memory: "
      "512Mi}, "
      "limits: {memory: 2Gi}}}, {name: c, image: i, command: [c], resources: {limits: {memory: "
      "3Gi}}}]");
  EXPECT_EQ(Requests(pod, "cpu"), "500m 1500m -");
  EXPECT_EQ(Requests(pod, "memory"), "1Gi 0 2147483648");
  EXPECT_EQ(pod["spec"]["containers"][1]["resources"]["limits"]["memory"], "2Gi");
}

TEST_F(BuildPrograms, TheStepsResourcesAreEachContainersUnlessItSaysOtherwise) {
  const Json pod =
      Pod("containers: [{name: a, image: i, command: [a]}, {name: b, image: i, command: [b], "
          "resources: "
          "{requests: {cpu: \"3\"}}}], resources: {requests: {cpu: \"1\"}, limits: {memory: 1Gi}}");
  EXPECT_EQ(Requests(pod, "cpu"), "1 2000m");
  EXPECT_EQ(Requests(pod, "memory"), "1Gi 0") << "a limit without a request is one";
}

TEST_F(BuildPrograms, ADeviceBelongsToTheContainerThatAsksForIt) {
  const Json pod =
      Pod("containers: [{name: a, image: i, command: [a]}, {name: b, image: i, command: [b], "
          "resources: "
          "{limits: {nvidia.com/gpu: 1}}}]");
  EXPECT_FALSE(pod["spec"]["containers"][0].value("resources", Json::object()).contains("limits"));
  EXPECT_EQ(pod["spec"]["containers"][1]["resources"]["limits"]["nvidia.com/gpu"], 1);
}

TEST_F(BuildPrograms, SidecarsAreInitContainersThatGoOnAndHoldTheStepUntilTheyAreReady) {
  const Json pod =
      Pod("container: {image: i, command: [run]}, sidecars: [{name: db, image: \"pg:16\", env: "
          "[{name: P, "
          "value: x}], readiness: {tcp: 5432}}, {name: web, image: w, readiness: {http: {port: 80, "
          "path: "
          "/ok}}}, {name: e, image: e, readiness: {exec: [test, -e, /ok]}}]");
  const Json& init = pod["spec"]["initContainers"];
  ASSERT_EQ(init.size(), 4U);
  EXPECT_EQ(init[0]["name"], kInstallContainer);
  EXPECT_EQ(init[1]["name"], "sidecar-db");
  EXPECT_EQ(init[1]["restartPolicy"], "Always");
  EXPECT_FALSE(init[1].contains("command")) << "the image's own";
  EXPECT_EQ(init[1]["startupProbe"]["tcpSocket"]["port"], 5432);
  EXPECT_EQ(init[2]["startupProbe"]["httpGet"]["path"], "/ok");
  EXPECT_EQ(init[3]["startupProbe"]["exec"]["command"][0], "test");
  EXPECT_EQ(init[1]["securityContext"]["allowPrivilegeEscalation"], false);
}

TEST_F(BuildPrograms, VolumesOfTheRunAreItsClaims) {
  const Json pod = Pod(
      "container: {image: i, command: [run], volumeMounts: [{name: scratch, mountPath: /s}]}",
      "volumes: [{name: scratch, claim: {size: 2Gi, storageClassName: fast}}, {name: other, claim: "
      "{size: 1Gi}}]\n");
  const std::string name = ClaimName("first", "uid-1", "scratch");
  EXPECT_THAT(
      pod["spec"]["volumes"],
      Contains(Json({{"name", "scratch"}, {"persistentVolumeClaim", {{"claimName", name}}}})));
  EXPECT_THAT(pod["spec"]["volumes"].dump(), Not(HasSubstr("\"other\"")));
  const Json claim = BuildClaim(run_, resolved_.volumes[0]);
  EXPECT_EQ(claim["metadata"]["name"], name);
  EXPECT_EQ(claim["metadata"]["ownerReferences"][0]["uid"], "uid-1");
  EXPECT_EQ(claim["spec"],
            Json::parse(R"({"accessModes":["ReadWriteOnce"],"storageClassName":"fast",
                                           "resources":{"requests":{"storage":"2Gi"}}})"));
}

TEST_F(BuildPrograms, WhatPodSaysIsLaidOverWhatIsOurs) {
  const Json pod =
      Pod("container: {image: i, command: [run]}, pod: {labels: {team: ml}, annotations: "
          "{sidecar.istio.io/inject: \"false\"}, securityContext: {runAsUser: 1000, fsGroup: 2000, "
          "supplementalGroups: [7]}, hostAliases: [{ip: 10.0.0.1, hostnames: [db]}], dnsPolicy: "
          "Default}");
  EXPECT_EQ(pod["metadata"]["labels"]["team"], "ml");
  EXPECT_EQ(pod["metadata"]["labels"][kLabelStep], "a");
  EXPECT_EQ(pod["metadata"]["annotations"]["sidecar.istio.io/inject"], "false");
  const Json& security = pod["spec"]["securityContext"];
  EXPECT_EQ(security["runAsUser"], 1000);
  EXPECT_EQ(security["runAsGroup"], 1000);
  EXPECT_EQ(security["fsGroup"], 2000);
  EXPECT_EQ(security["runAsNonRoot"], true);
  EXPECT_EQ(security["supplementalGroups"], Json::array({7}));
  EXPECT_EQ(pod["spec"]["hostAliases"][0]["ip"], "10.0.0.1");
  EXPECT_EQ(pod["spec"]["dnsPolicy"], "Default");
}

TEST_F(BuildPrograms, DevicesAndWhatAllContainersShareStandInThePod) {
  const Json pod = Pod(
      "container: {image: i, command: [run]}, resources: {claims: [{name: gpu}]}, pod: {resources: "
      "{limits: {memory: 2Gi}}, resourceClaims: [{name: gpu, resourceClaimName: shared}]}");
  EXPECT_EQ(pod["spec"]["containers"][0]["resources"],
            Json::parse(R"({"claims": [{"name": "gpu"}]})"));
  EXPECT_EQ(pod["spec"]["resourceClaims"],
            Json::parse(R"([{"name": "gpu", "resourceClaimName": "shared"}])"));
  EXPECT_EQ(pod["spec"]["resources"]["limits"]["memory"], "2Gi");
}

const std::string kSpot =
    "container: {image: i, command: [run]}, nodeSelector: {pool: spot}, tolerations: [{key: spot, "
    "operator: Exists}], retry: {infrastructure: {limit: 2}, user: {limit: 1}, lastAttempt: "
    "{nodeSelector: {pool: on-demand}}}";

TEST_F(BuildPrograms, TheLastAttemptRunsWhereItIsToldAndTheOthersWhereTheStepSays) {
  for (const Spent& early : {Spent{}, Spent{.infrastructure = 1}}) {
    const Json pod = Pod(kSpot, "", early);
    EXPECT_EQ(pod["spec"]["nodeSelector"]["pool"], "spot");
    EXPECT_TRUE(pod["spec"].contains("tolerations"));
  }
  for (const Spent& late : {Spent{.infrastructure = 2}, Spent{.user = 1}}) {
    const Json pod = Pod(kSpot, "", late);
    EXPECT_EQ(pod["spec"]["nodeSelector"]["pool"], "on-demand");
    EXPECT_FALSE(pod["spec"].contains("tolerations"));
  }
}

TEST_F(BuildPrograms, EachRetryAfterOutOfMemoryHasMoreOfIt) {
  const std::string step =
      "container: {image: i, command: [run]}, resources: {requests: {memory: 1Gi, cpu: \"1\"}, "
      "limits: "
      "{memory: 2Gi}}, retry: {outOfMemory: {limit: 2, memoryFactor: 1.5}}";
  const auto memory = [&](const Spent& spent) {
    const Json r = Pod(step, "", spent)["spec"]["containers"][0]["resources"];
    EXPECT_EQ(r["requests"]["cpu"], "1");
    return r["requests"]["memory"].get<std::string>() + " " +
           r["limits"]["memory"].get<std::string>();
  };
  EXPECT_EQ(memory({}), "1Gi 2Gi");
  EXPECT_EQ(memory({.user = 1}), "1Gi 2Gi");
  EXPECT_EQ(memory({.out_of_memory = 1}), "1536Mi 3072Mi");
  EXPECT_EQ(memory({.out_of_memory = 2}), "2304Mi 4608Mi");
}

}  // namespace
}  // namespace penstock::plan
