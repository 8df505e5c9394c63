#include "operator/plan/resolve/pod_values.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kParameters =
    "parameters:\n"
    "- {name: tag, default: '1.2'}\n"
    "- {name: memory, default: 2Gi}\n"
    "- {name: cpu, type: number, default: 0.5}\n"
    "- {name: pool, default: large}\n"
    "- {name: claim, default: lake}\n";

std::string One(const std::string& rest, const std::string& image = "img:$(parameters.tag)") {
  return kParameters + "steps:\n- name: a\n  container: {image: \"" + image +
         "\", command: [x, $(parameters.tag), $(parameters.memory), $(parameters.cpu), "
         "$(parameters.pool), $(parameters.claim)]}\n" +
         rest;
}

std::vector<std::string> Errors(const std::string& yaml,
                                const std::map<std::string, Json>& given = {}) {
  std::vector<std::string> out;
  for (const auto& e : Resolve("p", Spec(yaml), given, {}).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

const std::string kAll =
    "  resources: {requests: {cpu: $(parameters.cpu), memory: $(parameters.memory)}, limits: "
    "{memory: $(parameters.memory)}}\n"
    "  nodeSelector: {pool: \"$(parameters.pool)-$(parameters.cpu)\"}\n"
    "  volumes: [{name: v, persistentVolumeClaim: {claimName: $(parameters.claim)}}]\n";

TEST(PodValues, ParametersArePutInWhenTheRunStarts) {
  const ResolvedRun run = MustResolve(One(kAll), {{"pool", "small"}});
  const ResolvedStep& a = run.steps[0];
  EXPECT_FALSE(a.pod_pending);
  EXPECT_EQ(a.container.image, "img:1.2");
  EXPECT_EQ(a.resources, Json::parse(R"({"requests": {"cpu": "0.5", "memory": "2Gi"},
                                         "limits": {"memory": "2Gi"}})"));
  EXPECT_EQ(a.scheduling.node_selector.at("pool"), "small-0.5");
  EXPECT_EQ(a.volumes[0]["persistentVolumeClaim"]["claimName"], "lake");
}

TEST(PodValues, WhatComesOfThemIsCheckedBeforeTheRun) {
  EXPECT_THAT(Errors(One(kAll), {{"tag", "1 2"}}),
              ElementsAre(HasSubstr("spec.steps[0]: container.image: 'img:1 2' is no image")));
  EXPECT_THAT(Errors(One(kAll), {{"memory", "lots"}}),
              Contains(HasSubstr("requests.memory: 'lots' is no Kubernetes quantity")));
  EXPECT_THAT(Errors(One(kAll), {{"pool", "a/b"}}),
              ElementsAre(HasSubstr("nodeSelector.pool: 'a/b-0.5' is no label value")));
  EXPECT_THAT(Errors(One(kAll), {{"claim", "../x"}}),
              ElementsAre(HasSubstr("volumes: '../x' names no object")));
  const std::string account =
      "parameters: [{name: who}]\nsteps:\n- {name: a, container: {image: i, command: [x]}, "
      "serviceAccountName: $(parameters.who)}\n";
  EXPECT_THAT(Errors(account, {{"who", ""}}),
              ElementsAre(HasSubstr("serviceAccountName: what it refers to is empty")));
}

TEST(PodValues, AParameterChoosesNoFolderNoServerAndNoRank) {
  const auto refused = [](const std::string& rest) {
    const auto errors = Errors(One(rest));
    return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
  };
  for (const char* volume :
       {"hostPath: {path: $(parameters.pool)}", "nfs: {server: $(parameters.pool), path: /}"})
    EXPECT_THAT(refused(std::string("  volumes: [{name: v, ") + volume + "}]\n"),
                HasSubstr("spec.steps[0].volumes[0]: cannot hold references: of a volume"));
  for (const char* field : {"priorityClassName", "runtimeClassName", "schedulerName"})
    EXPECT_THAT(refused(std::string("  ") + field + ": $(parameters.pool)\n"),
                HasSubstr(std::string("spec.steps[0].") + field + ": cannot hold references"));
}

const std::string kSecrets =
    "parameters:\n"
    "- {name: secret, default: s1, enum: [s1, s2, S3]}\n"
    "- {name: taint, type: object, default: {key: gpu, value: big}}\n"
    "- {name: seconds, type: integer, default: 90}\n"
    "steps:\n"
    "- name: a\n"
    "  container:\n"
    "    image: i\n"
    "    command: [x]\n"
    "    env: [{name: E, valueFrom: {secretKeyRef: {name: $(parameters.secret), key: k}}}]\n"
    "    envFrom: [{configMapRef: {name: \"$(parameters.secret)-map\"}}]\n"
    "  serviceAccountName: $(parameters.secret)\n"
    "  imagePullSecrets: [{name: $(parameters.secret)}]\n"
    "  tolerations: [{key: $(parameters.taint.key), value: $(parameters.taint.value)}]\n"
    "  affinity: {nodeAffinity: {w: [{weight: 1, values: [$(parameters.seconds)]}]}}\n"
    "  timeouts: {attempt: $(parameters.seconds)s}\n"
    "  pod: {labels: {team: $(parameters.secret)}, annotations: {note: for "
    "$(parameters.seconds)}}\n"
    "  volumes:\n"
    "  - {name: v, secret: {secretName: $(parameters.secret)}}\n"
    "  - {name: w, projected: {sources: [{secret: {name: $(parameters.secret)}}]}}\n";

TEST(PodValues, SecretsAccountsTolerationsTimeoutsAndLabelsComeFromParameters) {
  const ResolvedRun run = MustResolve(kSecrets, {{"secret", "s2"}});
  const ResolvedStep& a = run.steps[0];
  EXPECT_FALSE(a.pod_pending);
  EXPECT_EQ(a.container.env[0]["valueFrom"]["secretKeyRef"]["name"], "s2");
  EXPECT_EQ(a.container.env_from[0]["configMapRef"]["name"], "s2-map");
  EXPECT_EQ(a.scheduling.service_account_name, "s2");
  EXPECT_EQ(a.scheduling.image_pull_secrets[0]["name"], "s2");
  EXPECT_EQ(a.scheduling.tolerations[0], Json::parse(R"({"key": "gpu", "value": "big"})"));
  EXPECT_EQ(a.scheduling.affinity["nodeAffinity"]["w"][0],
            Json::parse(R"({"weight": 1, "values": ["90"]})"));
  EXPECT_EQ(a.timeouts.attempt, Milliseconds(90'000));
  EXPECT_EQ(a.pod["labels"]["team"], "s2");
  EXPECT_EQ(a.pod["annotations"]["note"], "for 90");
  EXPECT_EQ(a.volumes[0]["secret"]["secretName"], "s2");
  EXPECT_EQ(a.volumes[1]["projected"]["sources"][0]["secret"]["name"], "s2");
  ASSERT_TRUE(DecodeResolved(EncodeResolved(run)));
}

TEST(PodValues, AnEnumBoundsWhichSecretARunMayChoose) {
  EXPECT_THAT(Errors(kSecrets, {{"secret", "root"}}),
              ElementsAre(HasSubstr("spec.parameters.secret")));
  EXPECT_THAT(Errors(kSecrets, {{"secret", "S3"}}),
              ElementsAre(HasSubstr("spec.steps[0]: serviceAccountName: 'S3' names no object")));
}

TEST(PodValues, WhatAnAbsentParameterNamesIsLeftOut) {
  std::string yaml = kSecrets;
  for (const char* with :
       {", default: s1, enum: [s1, s2, S3]", ", default: {key: gpu, value: big}", ", default: 90"})
    yaml.replace(yaml.find(with), std::string(with).size(), ", optional: true");
  yaml.replace(yaml.find("\"$(parameters.secret)-map\""), 26, "$(parameters.secret)");
  yaml.replace(yaml.find("$(parameters.seconds)s"), 22, "$(parameters.seconds)");
  const ResolvedRun run = MustResolve(yaml);
  const ResolvedStep& a = run.steps[0];
  EXPECT_TRUE(a.container.env.empty());
  EXPECT_TRUE(a.container.env_from.empty());
  EXPECT_EQ(a.scheduling.service_account_name, "");
  EXPECT_TRUE(a.scheduling.image_pull_secrets.empty());
  EXPECT_TRUE(a.scheduling.tolerations.empty());
  EXPECT_TRUE(a.scheduling.affinity.is_null());
  EXPECT_FALSE(a.timeouts.attempt);
  EXPECT_FALSE(a.pod["labels"].contains("team"));
  EXPECT_EQ(a.volumes[0], Json::parse(R"({"name": "v", "emptyDir": {}})"));
  EXPECT_TRUE(a.volumes[1]["projected"]["sources"].empty());
}

TEST(PodValues, AVolumeWhoseClaimIsNotGivenIsEmptyAndOneWhoseSizeIsNotIsAnError) {
  const std::string begin =
      "parameters: [{name: x, optional: true}]\n"
      "steps:\n- {name: a, container: {image: i, command: [c], volumeMounts: [{name: v, mountPath: "
      "/v}]}, volumes: [{name: v, ";
  EXPECT_EQ(MustResolve(begin + "persistentVolumeClaim: {claimName: $(parameters.x)}}]}\n")
                .steps[0]
                .volumes[0],
            Json::parse(R"({"name": "v", "emptyDir": {}})"));
  EXPECT_THAT(Errors(begin + "emptyDir: {sizeLimit: $(parameters.x)}}]}\n"),
              ElementsAre(HasSubstr("volumes[0].emptyDir.sizeLimit: what it refers to was not "
                                    "given")));
}

TEST(PodValues, ATimeoutTakesParametersOnlyAndIsATime) {
  const std::string steps =
      "steps:\n"
      "- {name: s, container: {image: i, command: [x]}, results: [{name: r}]}\n"
      "- {name: a, container: {image: i, command: [x]}, timeouts: {attempt: ";
  EXPECT_THAT(Errors(steps + "$(steps.s.results.r)}}\n"),
              ElementsAre(HasSubstr("spec.steps[1].timeouts.attempt: $(steps.s.results.r) cannot "
                                    "stand here")));
  const std::string limit =
      "parameters: [{name: limit, default: soon}]\n" + steps + "$(parameters.limit)}}\n";
  EXPECT_THAT(Errors(limit), ElementsAre(HasSubstr("spec.steps[1]: timeouts.attempt: ")));
  // Who starts the run cannot take the limit away.
  EXPECT_THAT(Errors(limit, {{"limit", "$(x"}}),
              ElementsAre(HasSubstr("spec.steps[1]: timeouts.attempt: '$(x' is no duration")));
  EXPECT_EQ(MustResolve(limit, {{"limit", "1m30s"}}).steps[1].timeouts.attempt,
            Milliseconds(90'000));
}

TEST(PodValues, AResultNamesASecretWhenTheStepStarts) {
  const ResolvedRun run = MustResolve(
      "steps:\n"
      "- {name: s, container: {image: i, command: [x]}, results: [{name: r}]}\n"
      "- name: a\n"
      "  container: {image: i, command: [x], env: [{name: E, valueFrom: {secretKeyRef: {name: "
      "$(steps.s.results.r), key: k}}}]}\n");
  ASSERT_TRUE(run.steps[1].pod_pending);
  EXPECT_EQ(run.steps[1].depends_on.at(0).step, "s");
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back);
  const auto put = [&](const char* name) {
    return PutPodValues(back->steps[1],
                        [&](const Reference&) -> Result<Json> { return Json(name); });
  };
  ASSERT_TRUE(put("s2"));
  EXPECT_EQ(put("s2")->container.env[0]["valueFrom"]["secretKeyRef"]["name"], "s2");
  ASSERT_FALSE(put("../x"));
  EXPECT_THAT(put("../x").error().message, HasSubstr("env E: '../x' names no object"));
}

TEST(PodValues, StepsThatFetchCodeTakeTheDefaultsWithParametersPutIn) {
  const ResolvedRun run = MustResolve(
      "parameters: [{name: account, default: builder}]\n"
      "defaults: {serviceAccountName: $(parameters.account)}\n"
      "steps:\n"
      "- name: a\n"
      "  container: {image: i, command: [python3, x], code: {requirements: {text: 'a==1'}}}\n");
  for (const ResolvedStep& step : run.steps)
    EXPECT_EQ(step.scheduling.service_account_name, "builder") << step.name;
  EXPECT_THAT(Errors("steps:\n"
                     "- {name: s, container: {image: i, command: [x]}, results: [{name: r}]}\n"
                     "- name: a\n"
                     "  serviceAccountName: $(steps.s.results.r)\n"
                     "  container: {image: i, command: [python3, x], code: {requirements: {text: "
                     "'a==1'}}}\n"),
              ElementsAre(HasSubstr("spec.steps[1].container.code.requirements: are installed "
                                    "before the step starts, and its serviceAccountName "
                                    "($(steps.s.results.r)) is known only then")));
}

TEST(PodValues, ResultsArePutInWhenTheStepStarts) {
  const std::string yaml =
      "steps:\n"
      "- {name: size, container: {image: i, command: [x]}, results: [{name: mem}, {name: img}]}\n"
      "- {name: b, container: {image: $(steps.size.results.img), command: [x]},\n"
      "   resources: {limits: {memory: \"$(steps.size.results.mem)Mi\"}}}\n";
  const ResolvedRun run = MustResolve(yaml);
  ASSERT_TRUE(run.steps[1].pod_pending);
  EXPECT_THAT(run.steps[1].depends_on.at(0).step, "size");
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << (back ? "" : back.error().message);
  const auto put = [&](const Json& mem) {
    return PutPodValues(back->steps[1], [&](const Reference& r) -> Result<Json> {
      return r.path[3] == "mem" ? mem : Json("repo/x:1");
    });
  };
  ASSERT_TRUE(put(512));
  EXPECT_EQ(put(512)->container.image, "repo/x:1");
  EXPECT_EQ(put(512)->resources["limits"]["memory"], "512Mi");
  ASSERT_FALSE(put("much"));
  EXPECT_THAT(put("much").error().message,
              HasSubstr("resources.limits.memory: 'muchMi' is no Kubernetes quantity"));
}

TEST(PodValues, ALiteralIsUnescapedAndAnUnknownNameIsAnError) {
  EXPECT_THAT(Errors(One("  nodeSelector: {pool: $(parameters.pol)}\n")),
              ElementsAre(HasSubstr("spec.steps[0].nodeSelector.pool: $(parameters.pol): the "
                                    "pipeline has no parameter 'pol'")));
  EXPECT_THAT(Errors(One("", "img:$(date)")),
              ElementsAre(HasSubstr("spec.steps[0].container.image: $(date)")));
}

TEST(PodValues, DefaultsTakeParametersOnly) {
  const std::string steps = "steps: [{name: a, container: {image: i, command: [x]}}]\n";
  const ResolvedRun run = MustResolve(
      "parameters: [{name: mem, default: 1Gi}]\n"
      "defaults: {resources: {requests: {memory: $(parameters.mem)}}}\n" +
      steps);
  EXPECT_EQ(run.steps[0].resources["requests"]["memory"], "1Gi");
  EXPECT_THAT(Errors("defaults: {nodeSelector: {a: $(steps.a.results.r)}}\n" + steps),
              ElementsAre(HasSubstr("spec.defaults.nodeSelector.a: $(steps.a.results.r) cannot "
                                    "stand in defaults")));
}

}  // namespace
}  // namespace penstock::plan
