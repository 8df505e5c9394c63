// What a run is pinned to: Components, other Pipelines' outputs, and how that is kept.
#include <gmock/gmock.h>

#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Resolve, TakesTheHighestComponentOfAVersionAndPinsIt) {
  const auto run = MustResolve(
      "steps:\n" + kSource +
          TrainStep("inputs: {train: $(steps.make.outputs.data)}, parameters: {label: late}"),
      {}, With({Component(Train("1.9.0")), Component(Train("1.10.0")), Component(Train("2.0.0"))}));
  EXPECT_EQ(run.Find("fit")->component, "train-1.10.0");
  EXPECT_EQ(run.Find("fit")->parameters.at("epochs").value, Json(10));
  EXPECT_EQ(run.Find("fit")->code_version, "7");
}

TEST(Resolve, WhatActsIsNeverTakenFromTheCacheWhateverTheStepSays) {
  const auto run = [](const std::string& extra) {
    return MustResolve("steps:\n" + kSource +
                           TrainStep("inputs: {train: $(steps.make.outputs.data)}, parameters: "
                                     "{label: late}, cache: {enabled: true, salt: x}"),
                       {}, With({Component(Train("1.0.0", extra))}));
  };
  EXPECT_TRUE(run("").Find("fit")->cache.enabled);
  EXPECT_FALSE(run("acts: true\n").Find("fit")->cache.enabled);
}

TEST(Resolve, OnlyAComponentOfTheLibraryHasTheTokenOfItsServiceAccount) {
  const auto around = With({Component(Train("1.0.0", "serviceAccountToken: true\n"))});
  const auto steps = [](const std::string& library) {
    return "steps:\n" + kSource +
           "- {name: fit, component: {name: train, version: \"1\", library: " + library +
           "}, inputs: {train: $(steps.make.outputs.data)}, parameters: {label: late}}\n";
  };
  EXPECT_THAT(Errors(steps("false"), around),
              ElementsAre(HasSubstr("spec.steps[1].component: the Component train-1.0.0 says "
                                    "serviceAccountToken, which only those of the library may")));
  const auto run = MustResolve(steps("true"), {}, around);
  EXPECT_TRUE(run.Find("fit")->service_account_token);
  EXPECT_FALSE(run.Find("make")->service_account_token);
  const auto back = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->Find("fit")->service_account_token);
}

TEST(Resolve, AMissingComponentListsTheVersionsThatExist) {
  const std::string spec = "steps:\n- {name: fit, component: {name: train, version: \"3\"}}\n";
  EXPECT_THAT(Errors(spec, With({Component(Train("1.0.0")), Component(Train("2.1.0"))})),
              ElementsAre(HasSubstr("it has 1.0.0, 2.1.0")));
  EXPECT_THAT(Errors(spec), ElementsAre(HasSubstr("there is no Component 'train'")));
}

TEST(Resolve, ChecksInputsAndParametersAgainstTheComponent) {
  const auto around = With({Component(Train("1.0.0"))});
  EXPECT_THAT(Errors("steps:\n" + kSource +
                         TrainStep("inputs: {prior: $(steps.make.outputs.data), no: $(steps.make."
                                   "outputs.data)}, parameters: {epochs: 0, nope: 1}"),
                     around),
              UnorderedElementsAre(
                  HasSubstr("needs the input 'train'"),
                  HasSubstr("takes a model, but $(steps.make.outputs.data) is a "
                            "dataset"),
                  HasSubstr("has no such input"), HasSubstr("0 is below the minimum 1"),
                  HasSubstr("has no such parameter"), HasSubstr("needs the parameter 'label'")));
}

TEST(Resolve, AComponentNamesNoSecrets) {
  auto c = Component(Train("1.0.0"));
  c.spec.container.env = {Json::parse(R"({"name":"A","valueFrom":{"secretKeyRef":{}}})")};
  c.spec.container.env_from = {Json::parse(R"({"secretRef":{"name":"s"}})")};
  EXPECT_THAT(Errors("steps:\n" + kSource +
                         TrainStep("inputs: {train: $(steps.make.outputs.data)}, parameters: "
                                   "{label: late}"),
                     With({c})),
              UnorderedElementsAre(HasSubstr(".env[0]"), HasSubstr(".envFrom")));
}

TEST(Resolve, PinsAnotherPipelinesOutputAndAnOptionalOneMayBeAbsent) {
  auto around = With({Component(Train("1.0.0"))});
  const std::string spec = "steps:\n" + kSource +
                           TrainStep(
                               "inputs: {train: $(steps.make.outputs.data), prior: "
                               "$(pipelines.other.outputs.model)}, parameters: {label: late}");
  const auto absent = MustResolve(spec, {}, around);
  EXPECT_FALSE(absent.Find("fit")->inputs[0].artifact);
  around.pipeline_output = [](const std::string& p, const std::string& o) {
    api::PublishedOutput out{o, "model", Digest('c'), true, 5, "run"};
    return p == "other" ? std::optional(out) : std::nullopt;
  };
  const auto pinned = MustResolve(spec, {}, around);
  EXPECT_EQ(pinned.Find("fit")->inputs[0].artifact->digest, Digest('c'));
  EXPECT_THAT(Errors("steps:\n" + Step("a", "inputs: {m: $(pipelines.none.outputs.model)}")),
              ElementsAre(HasSubstr("has published no output 'model' yet")));
}

TEST(EncodeResolved, IsReadBackAsItWas) {
  const auto run = MustResolve(
      "parallelism: 2\nparameters: [{name: k, type: number, default: 0.5}]\nsteps:\n" + kSource +
          TrainStep("inputs: {train: $(steps.make.outputs.data), prior: $(pipelines.o.outputs.m)}"
                    ", parameters: {label: \"$(run.name)-y\", epochs: $(steps.make.results.rows)}"
                    ", retry: {user: {limit: 2, backoff: 3s}}, timeouts: {attempt: 1h}, cache: "
                    "{salt: x}, tolerations: [{key: gpu}]") +
          Step("use", "inputs: {u: \"https://h/x\"}, parameters: {k: $(parameters.k)}") +
          "outputs: {m: $(steps.fit.outputs.model)}\n",
      {}, With({Component(Train("1.0.0"))}));
  const Json once = EncodeResolved(run);
  auto back = DecodeResolved(once);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(EncodeResolved(*back), once);
  EXPECT_EQ(*back->parallelism, 2);
  EXPECT_EQ(back->Find("fit")->parameters.at("epochs").spec->minimum, 1);
  EXPECT_EQ(back->Find("fit")->retry.user.limit, 2);
}

TEST(EncodeResolved, RefusesAnotherFormatAndDamage) {
  Json j = EncodeResolved(MustResolve("steps:\n" + Step("a")));
  Json newer = j;
  newer["format"] = 2;
  EXPECT_FALSE(DecodeResolved(newer));
  j["steps"].push_back(Json::object());
  EXPECT_FALSE(DecodeResolved(j));
  EXPECT_FALSE(DecodeResolved(Json::array()));
}

TEST(RunHash, ChangesOnlyWithWhatWouldRun) {
  const std::string base = "steps:\n" + Step("a");
  const auto hash = RunHash(Spec(base));
  EXPECT_EQ(hash.size(), 10u);
  EXPECT_EQ(RunHash(Spec("description: d\nsuspend: true\nhistoryLimits: {failed: 1}\n"
                         "concurrency: {policy: Allow}\nrunPolicy: Manual\nparallelism: 3\n" +
                         base)),
            hash);
  EXPECT_EQ(RunHash(Spec("steps:\n" + Step("a", "description: other"))), hash);
  EXPECT_NE(RunHash(Spec("steps:\n" + Step("b"))), hash);
}

}  // namespace
}  // namespace penstock::plan
