#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kCommit(40, 'c');

std::string UserStep(const std::string& name, const std::string& git,
                     const std::string& more = "") {
  return "- {name: " + name + ", container: {image: " + kPinned +
         ", command: [sh, $(code.path)/x.sh], code: {git: {" + git + "}}}" + more + "}\n";
}

std::vector<std::string> Errors(const std::string& steps, bool local = false) {
  auto r = Resolve("p", Spec("steps:\n" + steps), {}, AroundGit(local));
  std::vector<std::string> out;
  for (const auto& e : r.errors) out.push_back(e.path + ": " + e.message);
  return out;
}

ResolvedRun Resolved(const std::string& yaml) { return MustResolve(yaml, {}, AroundGit()); }

TEST(CodeFetch, AStepOfTheRunFetchesWhatAnotherNames) {
  const auto run =
      Resolved("steps:\n" + UserStep("use", "url: \"https://h/a\", revision: v1, path: steps",
                                     ", serviceAccountName: builder"));
  ASSERT_EQ(run.steps.size(), 2U);
  const ResolvedStep& git = run.steps[0];
  EXPECT_THAT(git.name, StartsWith("git-"));
  EXPECT_EQ(git.name.size(), 12U);
  EXPECT_EQ(git.component, "git-1.0.0");
  EXPECT_TRUE(git.library);
  EXPECT_EQ(git.parameters.at("url").value, "https://h/a");
  EXPECT_EQ(git.parameters.at("revision").value, "v1");
  EXPECT_EQ(git.parameters.at("path").value, "steps");
  EXPECT_EQ(git.scheduling.service_account_name, "builder");
  EXPECT_EQ(git.timeouts.attempt, std::chrono::minutes(10));
  const ResolvedStep& use = run.steps[1];
  ASSERT_TRUE(use.code_from);
  EXPECT_EQ(use.code_from->step, git.name);
  EXPECT_EQ(use.code_from->output, "folder");
  ASSERT_EQ(use.depends_on.size(), 1U);
  EXPECT_EQ(use.depends_on[0].step, git.name);
}

TEST(CodeFetch, OneStepFetchesForAllThatNameTheSameAsTheSameAccount) {
  const std::string same = "url: \"https://h/a\", revision: v1";
  const auto run = Resolved("steps:\n" + UserStep("a", same) + UserStep("b", same) +
                            UserStep("c", same, ", serviceAccountName: other") +
                            UserStep("d", "url: \"https://h/a\", revision: v2"));
  ASSERT_EQ(run.steps.size(), 7U);
  EXPECT_EQ(run.Find("a")->code_from->step, run.Find("b")->code_from->step);
  EXPECT_NE(run.Find("a")->code_from->step, run.Find("c")->code_from->step);
  EXPECT_NE(run.Find("a")->code_from->step, run.Find("d")->code_from->step);
}

TEST(CodeFetch, OnlyAWholeCommitIsCached) {
  const auto cached = [](const std::string& head, const std::string& revision) {
    return Resolved(head + "steps:\n" +
                    UserStep("a", "url: \"https://h/a\", revision: \"" + revision + "\""))
        .steps[0]
        .cache.enabled;
  };
  EXPECT_TRUE(cached("", kCommit));
  EXPECT_FALSE(cached("", "main"));
  EXPECT_FALSE(cached("", ""));
  EXPECT_FALSE(cached("defaults: {cache: {enabled: false}}\n", kCommit));
}

TEST(CodeFetch, ASecretIsNamedAndNeverReadByTheOperator) {
  const auto run =
      Resolved("steps:\n" + UserStep("a", "url: \"https://h/a\", revision: " + kCommit +
                                              ", secretRef: {name: deploy}"));
  const ResolvedStep& git = run.steps[0];
  bool token = false;
  for (const Json& e : git.container.env) {
    if (e.at("name") == "PENSTOCK_GIT_SECRET") {
      EXPECT_EQ(e.at("value"), "deploy");
      continue;
    }
    const Json& ref = e.at("valueFrom").at("secretKeyRef");
    EXPECT_EQ(ref.at("name"), "deploy");
    token |= ref.at("key") == "token";
  }
  EXPECT_TRUE(token);
  EXPECT_FALSE(git.cache.salt.empty());  // or it could not be cached
}

TEST(CodeFetch, WhatThePipelineAsksForItsOwnStepsIsNotAskedForGit) {
  const auto run = Resolved(
      "defaults: {resources: {limits: {nvidia.com/gpu: 1, memory: 64Gi}}, nodeSelector: {a: b}, "
      "retry: {user: {limit: 3}}}\nsteps:\n" +
      UserStep("a", "url: \"https://h/a\""));
  EXPECT_EQ(run.steps[0].resources, Json::parse(R"({"limits": {"memory": "512Mi"}})"));
  EXPECT_EQ(run.steps[0].scheduling.node_selector.at("a"), "b");
  EXPECT_EQ(run.steps[0].retry.user.limit, 3);
}

TEST(CodeFetch, AStepOfThatNameIsLeftItsName) {
  const std::string git = "url: \"https://h/a\"";
  const std::string taken = Resolved("steps:\n" + UserStep("a", git)).steps[0].name;
  const auto run = Resolved("steps:\n" + UserStep(taken, git));
  ASSERT_EQ(run.steps.size(), 2U);
  EXPECT_THAT(run.steps[0].name, StartsWith(taken));
  EXPECT_EQ(run.steps[0].name.size(), taken.size() + 4);
  EXPECT_EQ(run.steps[1].name, taken);
}

TEST(CodeFetch, SaysWhatGitMustNotBeAskedAtItsField) {
  EXPECT_THAT(Errors(UserStep("a", "url: \"https://me:x@h/a\"")),
              ElementsAre(HasSubstr("spec.steps[0].container.code.git.url: has a user name")));
  EXPECT_THAT(Errors(UserStep("a", "url: \"https://h/a\", revision: \"--x\"")),
              ElementsAre(HasSubstr("spec.steps[0].container.code.git.revision: ")));
  EXPECT_THAT(Errors(UserStep("a", "url: \"https://h/a\", path: ../x")),
              ElementsAre(HasSubstr("spec.steps[0].container.code.git.path: ")));
  EXPECT_THAT(Errors(UserStep("a", "url: \"http://h/a\", secretRef: {name: s}")),
              ElementsAre(HasSubstr("in the clear")));
}

TEST(CodeFetch, ThisMachinesFilesAndKeysAreForLocalRuns) {
  EXPECT_THAT(Errors(UserStep("a", "url: \"file:///srv/a\"")),
              ElementsAre(HasSubstr("container.code.git.url: file:// is for local runs")));
  EXPECT_THAT(Errors(UserStep("a", "url: \"git@h:a\"")),
              ElementsAre(HasSubstr("container.code.git.secretRef: is required for ssh")));
  EXPECT_THAT(Errors(UserStep("a", "url: \"git@h:a\", secretRef: {name: s}")), ElementsAre());
  EXPECT_THAT(
      Errors(UserStep("a", "url: \"file:///srv/a\"") + UserStep("b", "url: \"git@h:a\""), true),
      ElementsAre());
}

TEST(CodeFetch, ALibraryWithoutGitIsNamed) {
  auto r = Resolve("p", Spec("steps:\n" + UserStep("a", "url: \"https://h/a\"")), {}, {});
  ASSERT_EQ(r.errors.size(), 1U);
  EXPECT_THAT(r.errors[0].message, HasSubstr("the library has none"));
}

TEST(CodeFetch, MoreStepsThanARunMayHaveAreRefusedWhenItIsResolved) {
  std::string steps;
  for (int i = 0; i < 2600; ++i) {
    const std::string n = std::to_string(i);
    steps += UserStep("s" + n, "url: \"https://h/a\", revision: r" + n);
  }
  EXPECT_THAT(Errors(steps), ElementsAre(HasSubstr("over 5000 steps")));
}

TEST(CodeFetch, IsReadBackAsItWasPinned) {
  const auto run = Resolved("steps:\n" + UserStep("a", "url: \"https://h/a\""));
  const Json once = EncodeResolved(run);
  auto back = DecodeResolved(once);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(EncodeResolved(*back), once);
  EXPECT_EQ(back->steps[1].code_from->step, run.steps[0].name);
}

TEST(CodeFetch, ARunThatWasPinnedWithWhatTheOperatorFetchedGoesOn) {
  Json pinned = EncodeResolved(Resolved("steps:\n" + UserStep("a", "url: \"https://h/a\"")));
  // As before there were steps that fetch: the step with its artifact, alone.
  pinned["spec"]["steps"].erase(0);
  pinned["spec"]["steps"][0].erase("dependsOn");
  pinned["steps"].erase(0);
  pinned["steps"][0].erase("codeFrom");
  pinned["steps"][0]["code"] = ArtifactRef{Digest('d'), true, 1};
  auto back = DecodeResolved(pinned);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->steps.size(), 1U);
  EXPECT_EQ(back->steps[0].code->digest, Digest('d'));
  EXPECT_FALSE(back->steps[0].code_from);
}

}  // namespace
}  // namespace penstock::plan
