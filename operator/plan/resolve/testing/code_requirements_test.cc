// Steps whose Python packages another step of the run installs (container.code.requirements).
#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kText = "requirements: {text: \"numpy==1.26.4\"}";

std::string UserStep(const std::string& name, const std::string& code,
                     const std::string& container = "", const std::string& more = "",
                     const std::string& image = kPinned) {
  return "- {name: " + name + ", container: {image: \"" + image +
         "\", command: [/opt/venv/bin/python3.12, x.py], code: {" + code + "}" + container + "}" +
         more + "}\n";
}

Surroundings AroundLock() {
  Surroundings around = AroundGit();
  around.code = [](const api::CodeSpec&) { return ArtifactRef{Digest('c'), true, 9}; };
  around.lock = [](const api::CodeSpec& code) {
    return code.requirements->file == "gone.txt"
               ? std::nullopt
               : std::optional(ArtifactRef{Digest('f'), false, 14});
  };
  return around;
}

ResolvedRun Resolved(const std::string& steps, const std::string& rest = "") {
  return MustResolve(rest + "steps:\n" + steps, {}, AroundLock());
}

std::vector<std::string> Errors(const std::string& steps) {
  auto decoded = api::DecodePipelineSpec(Yaml("steps:\n" + steps), "spec");
  std::vector<std::string> out;
  for (const auto& e : decoded.errors) out.push_back(e.path + ": " + e.message);
  if (!out.empty()) return out;
  for (const auto& e : Resolve("p", decoded.value, {}, AroundLock()).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

TEST(Requirements, AStepOfTheRunInstallsThemWithTheImageOfTheOneThatAsks) {
  const auto run = Resolved(UserStep(
      "use", kText,
      ", env: [{name: PIP_INDEX_URL, valueFrom: {secretKeyRef: {name: pypi, key: url}}}, {name: "
      "MY_TOKEN, valueFrom: {secretKeyRef: {name: own, key: token}}}, {name: PIP_TIMEOUT, value: "
      "\"30\"}]",
      ", serviceAccountName: builder, imagePullSecrets: [{name: pull}], resources: {limits: "
      "{nvidia.com/gpu: 1}}, pod: {securityContext: {runAsUser: 1000}}"));
  ASSERT_EQ(run.steps.size(), 2U);
  const ResolvedStep& pip = run.steps[0];
  EXPECT_THAT(pip.name, StartsWith("pip-"));
  EXPECT_EQ(pip.name.size(), 12U);
  EXPECT_EQ(pip.container.image, kPinned);
  EXPECT_EQ(pip.container.command[0], "/opt/venv/bin/python3.12") << "the Python of the step";
  EXPECT_EQ(pip.container.command[3], "$(parameters.lock.path)");
  EXPECT_EQ(pip.container.command[4], "$(outputs.packages.path)");
  EXPECT_EQ(pip.parameters.at("lock").value, "numpy==1.26.4");
  ASSERT_EQ(pip.container.env.size(), 2U) << "a Secret that is none of pip's is not its business";
  EXPECT_EQ(pip.container.env[0]["name"], "PIP_INDEX_URL");
  EXPECT_EQ(pip.scheduling.service_account_name, "builder");
  EXPECT_EQ(pip.scheduling.image_pull_secrets.size(), 1U);
  EXPECT_FALSE(pip.resources["limits"].contains("nvidia.com/gpu"));
  EXPECT_EQ(pip.pod["securityContext"]["runAsUser"], 1000);
  const ResolvedStep& use = run.steps[1];
  ASSERT_TRUE(use.packages_from);
  EXPECT_EQ(use.packages_from->step, pip.name);
  EXPECT_EQ(use.packages_from->output, "packages");
  ASSERT_EQ(use.depends_on.size(), 1U);
  EXPECT_EQ(use.depends_on[0].step, pip.name);
  EXPECT_FALSE(use.container.code) << "the lock stands in the run once";
}

TEST(Requirements, OneStepInstallsForAllWithTheSameLockAndImage) {
  const std::string other = "registry.example.com/other@sha256:" + std::string(64, '2');
  const auto run =
      Resolved(UserStep("a", kText) + UserStep("b", kText) +
               UserStep("c", "requirements: {text: \"numpy==1.26.3\"}") +
               UserStep("d", kText, "", "", other) +
               UserStep("e", kText, ", env: [{name: PIP_INDEX_URL, value: \"https://h/simple\"}]"));
  EXPECT_EQ(run.steps.size(), 9U);
  const auto of = [&](const char* step) { return run.Find(step)->packages_from->step; };
  EXPECT_EQ(of("a"), of("b"));
  EXPECT_NE(of("a"), of("c"));
  EXPECT_NE(of("a"), of("d"));
  EXPECT_NE(of("a"), of("e"));
}

std::string SaltWith(const std::string& container, const std::string& more) {
  return Resolved(UserStep("use", kText, container, more)).steps[0].cache.salt;
}

TEST(Requirements, PackagesOfAnotherIndexOrPlatformAreNotTakenFromTheCache) {
  const std::string plain = SaltWith("", "");
  EXPECT_EQ(plain, SaltWith("", ", priorityClassName: high"));
  const auto index = [](const std::string& ref) {
    return SaltWith(", env: [{name: PIP_INDEX_URL, valueFrom: {" + ref + "}}]", "");
  };
  const std::vector<std::string> salts = {
      plain,
      index("secretKeyRef: {name: one, key: url}"),
      index("secretKeyRef: {name: two, key: url}"),
      index("secretKeyRef: {name: one, key: other}"),
      index("configMapKeyRef: {name: one, key: url}"),
      SaltWith("", ", nodeSelector: {kubernetes.io/arch: arm64}"),
      SaltWith("", ", nodeSelector: {zone: a}"),
      SaltWith("",
               ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
               "{nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/arch, operator: "
               "In, values: [arm64]}]}]}}}"),
      SaltWith("", ", cache: {salt: again}")};
  for (std::size_t i = 0; i < salts.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(salts[i], salts[j]) << i << " and " << j;
}

TEST(Requirements, StepsThatRunOnOtherNodesOrPullOtherwiseInstallForThemselves) {
  const std::string steps =
      UserStep("a", kText) + UserStep("b", kText, "", ", imagePullSecrets: [{name: pull}]") +
      UserStep("c", kText, "", ", tolerations: [{key: arm, operator: Exists}]") +
      UserStep("d", kText, "", ", pod: {securityContext: {runAsUser: 1000}}") +
      UserStep("e", kText, "", ", nodeSelector: {zone: a}") +
      UserStep("f", kText, "", ", cache: {salt: again}");
  EXPECT_EQ(Resolved(steps).steps.size(), 12U);
}

TEST(Requirements, AFileOfTheFolderIsTheInputOfTheStepThatInstallsIt) {
  const auto run = Resolved(
      UserStep("use", "configMap: {name: program}, requirements: {file: requirements.lock}"));
  ASSERT_EQ(run.steps.size(), 2U);
  ASSERT_EQ(run.steps[0].inputs.size(), 1U);
  EXPECT_EQ(run.steps[0].inputs[0].artifact->digest, Digest('f'));
  EXPECT_EQ(run.steps[0].container.command[3], "$(inputs.lock.path)");
  EXPECT_EQ(run.steps[1].code->digest, Digest('c'));
  EXPECT_TRUE(run.steps[1].container.code);
}

TEST(Requirements, AFileOfARepositoryIsGivenByTheStepThatFetchesIt) {
  const auto run = Resolved(
      UserStep("use", "git: {url: \"https://h/a\", path: steps}, requirements: {file: r.txt}") +
      UserStep("plain", "git: {url: \"https://h/a\", path: steps}"));
  ASSERT_EQ(run.steps.size(), 5U);
  const ResolvedStep& use = *run.Find("use");
  const ResolvedStep& git = *run.Find(use.code_from->step);
  const ResolvedStep& pip = *run.Find(use.packages_from->step);
  EXPECT_EQ(git.parameters.at("file").value, "r.txt");
  EXPECT_EQ(pip.inputs[0].step, git.name);
  EXPECT_EQ(pip.inputs[0].output, "file");
  EXPECT_EQ(pip.depends_on[0].step, git.name);
  EXPECT_EQ(use.depends_on.size(), 2U);
  EXPECT_FALSE(run.Find(run.Find("plain")->code_from->step)->parameters.contains("file"));
}

TEST(Requirements, LinesThatAreNotPinnedAreEachNamedWithWhatToWrite) {
  const auto errors =
      Errors(UserStep("use", "requirements: {text: \"numpy>=1.26\\nsix==1.16.0\\nrequests\\n\"}"));
  EXPECT_THAT(errors,
              ElementsAre(HasSubstr("code.requirements.text: line 1: 'numpy>=1.26' is not pinned; "
                                    "write numpy==VERSION"),
                          HasSubstr("code.requirements.text: line 3: 'requests' is not pinned")));
}

TEST(Requirements, WhatCannotBeInstalledBeforeTheStepIsRefused) {
  EXPECT_THAT(
      Errors(UserStep("use", kText, "", ", forEach: {in: [a]}", "python:$(each.value)")),
      Contains(HasSubstr("container.image: $(each.value): code.requirements are installed")));
  EXPECT_THAT(
      Errors(UserStep("use", kText,
                      ", env: [{name: PIP_INDEX_URL, value: \"$(parameters.index)\"}]",
                      ", parameters: {index: \"https://h\"}")),
      ElementsAre(HasSubstr("container.env[0].value: is also that of the step which installs")));
  EXPECT_THAT(Errors(UserStep("use", "requirements: {file: r.txt}")),
              ElementsAre(HasSubstr("code.requirements: file is one of the code's folder")));
  EXPECT_THAT(Errors(UserStep("use", "requirements: {}")),
              Contains(HasSubstr("say exactly one of file and text")));
  EXPECT_THAT(
      Errors(UserStep("use", "configMap: {name: p}, requirements: {file: ../r.txt}")),
      Contains(HasSubstr("code.requirements.file: '../r.txt' is no file of the code's folder")));
  EXPECT_THAT(Errors(UserStep("use", "configMap: {name: p}, requirements: {file: gone.txt}")),
              ElementsAre(HasSubstr("the code has no file 'gone.txt'")));
  EXPECT_THAT(Errors("- {name: use, container: {image: i, command: [python, $(code.path)/x], code: "
                     "{" +
                     kText + "}}}\n"),
              ElementsAre(HasSubstr("$(code.path): the container has no code")));
}

TEST(Requirements, WhatFinallyUsesIsInstalledThereSoThatACancelDoesNotTakeIt) {
  const std::string git = "git: {url: \"https://h/a\", path: steps}, requirements: {file: r.txt}";
  const auto run = MustResolve(
      "steps:\n" + UserStep("use", git) + "finally:\n" + UserStep("tell", git), {}, AroundLock());
  ASSERT_EQ(run.steps.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(run.steps[i].final_step, i >= 3) << i;
  const ResolvedStep& tell = *run.Find("tell");
  const ResolvedStep& pip = *run.Find(tell.packages_from->step);
  EXPECT_TRUE(pip.final_step);
  EXPECT_TRUE(run.Find(tell.code_from->step)->final_step);
  EXPECT_TRUE(run.Find(pip.inputs[0].step)->final_step);
  EXPECT_EQ(run.steps.back().name, "tell");
}

TEST(Requirements, AnImageThatIsAParameterIsKnownWhenTheRunBegins) {
  const auto run =
      MustResolve("parameters: [{name: image, default: \"" + kPinned + "\"}]\nsteps:\n" +
                      UserStep("use", kText, "", "", "$(parameters.image)"),
                  {}, AroundLock());
  EXPECT_EQ(run.steps[0].container.image, kPinned);
}

TEST(Requirements, AResolvedRunThatWasReadBackHasThem) {
  const auto run = Resolved(UserStep("use", kText));
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->steps[1].packages_from->step, run.steps[0].name);
  EXPECT_EQ(back->steps[0].container.command, run.steps[0].container.command);
  EXPECT_THAT(back->steps[1].Takes(), ::testing::SizeIs(1));
}

TEST(Requirements, AUsersOwnStepMayHaveTheName) {
  const std::string name = Resolved(UserStep("use", kText)).steps[0].name;
  const auto run = Resolved(UserStep("use", kText) + "- {name: " + name +
                            ", container: {image: i, command: [x]}}\n");
  ASSERT_EQ(run.steps.size(), 3U);
  EXPECT_NE(run.Find("use")->packages_from->step, name);
}

}  // namespace
}  // namespace penstock::plan
