// Webhooks of a Pipeline, and the parameters that deliveries give.
#include <gmock/gmock.h>

#include "operator/plan/resolve/schedule_check.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> WebhookProblems(const std::string& yaml) {
  std::vector<std::string> out;
  const auto spec = Spec("runPolicy: Manual\n" + yaml +
                         "steps:\n- {name: s, container: {image: i, command: [a]}}\n");
  Findings found;
  CheckSchedules(spec, found);
  for (const auto& e : found.errors) out.push_back(e.path + ": " + e.message);
  return out;
}

TEST(WebhooksOfAPipeline, GiveTheParametersThatHaveNoDefault) {
  const std::string head = "parameters: [{name: rev}, {name: n, type: integer, default: 1}]\n";
  EXPECT_THAT(WebhookProblems(head + "triggers: [{webhook: {name: push, secretRef: {name: s}, "
                                     "parameters: {rev: $(body.after), n: $(body.n)}}}]\n"),
              IsEmpty());
  EXPECT_THAT(
      WebhookProblems(head + "triggers:\n- {webhook: {name: push, secretRef: {name: s}, "
                             "parameters: {n: many, x: 1, y: $(body.y)}}}\n"),
      testing::UnorderedElementsAre(
          HasSubstr("spec.triggers[0].webhook.parameters.y: the Pipeline has no such parameter"),
          HasSubstr("spec.triggers[0].webhook.parameters.n: "),
          HasSubstr("spec.triggers[0].webhook.parameters.x: the pipeline has no such parameter"),
          HasSubstr("spec.triggers[0].webhook.parameters: nothing gives a value to 'rev'")));
}

TEST(WebhooksOfAPipeline, NameOnlyTheBody) {
  EXPECT_THAT(WebhookProblems("parameters: [{name: rev}]\ntriggers:\n- {webhook: {name: push, "
                              "secretRef: {name: s}, parameters: {rev: $(run.name)}}}\n"),
              ElementsAre(HasSubstr("$(run.name) cannot stand in a webhook's parameters")));
  EXPECT_THAT(WebhookProblems("parameters: [{name: rev}]\ntriggers:\n- {webhook: {name: push, "
                              "secretRef: {name: s}, parameters: {rev: '$(body'}}}\n"),
              ElementsAre(HasSubstr("webhook.parameters.rev")));
}

TEST(WebhooksOfAPipeline, HaveNamesOfTheirOwn) {
  EXPECT_THAT(WebhookProblems("triggers:\n- {webhook: {name: push, secretRef: {name: s}}}\n"
                              "- {webhook: {name: push, secretRef: {name: t}}}\n"
                              "- {webhook: {name: Push, secretRef: {name: t}}}\n"),
              ElementsAre(HasSubstr("spec.triggers[1]: webhook push stands there twice"),
                          HasSubstr("spec.triggers[2].webhook.name: 'Push' is no name")));
}

TEST(WebhooksOfAPipeline, DoNotExcuseATriggerBesideThem) {
  EXPECT_THAT(WebhookProblems("parameters: [{name: rev}]\ntriggers:\n- {webhook: {name: push, "
                              "secretRef: {name: s}, parameters: {rev: 'x'}}}\n"
                              "- {pipeline: a, output: b}\n"),
              ElementsAre(HasSubstr("spec.triggers: nothing gives a value to 'rev'")));
}

api::WebhookSpec Giving(std::map<std::string, Json> parameters) {
  api::WebhookSpec webhook;
  webhook.parameters = std::move(parameters);
  return webhook;
}

TEST(DeliveredParameters, KeepTheirTypesAndAreNeverReadAsReferences) {
  const auto spec = Spec(
      "parameters: [{name: rev}, {name: n, type: integer, default: 1}, {name: all, type: object, "
      "optional: true}]\nsteps:\n- {name: s, container: {image: i, command: [a]}}\n");
  const auto given = ParametersOf(
      spec, Giving({{"rev", "at $(body.a.b[1])"}, {"n", "$(body.n)"}, {"all", "$(body)"}}),
      Json{{"a", {{"b", {0, "$(body.n)"}}}}, {"n", 3}});
  EXPECT_THAT(given.errors, IsEmpty());
  EXPECT_EQ(given.values.at("rev"), "at $(body.n)");
  EXPECT_EQ(given.values.at("n"), 3);
  EXPECT_EQ(given.values.at("all")["n"], 3);
}

TEST(DeliveredParameters, ThatAreMissingAreAllTold) {
  const auto spec = Spec(
      "parameters: [{name: rev}, {name: ref}, {name: n, type: integer, default: 1}, {name: d, "
      "default: x}]\nsteps:\n- {name: s, container: {image: i, command: [a]}}\n");
  const auto given = ParametersOf(spec,
                                  Giving({{"rev", "$(body.after)"},
                                          {"ref", "$(body.ref)"},
                                          {"n", "$(body.n)"},
                                          {"d", "$(body.null)"}}),
                                  Json::parse(R"({"ref": null, "n": "no", "null": null})"));
  std::vector<std::string> told;
  for (const auto& e : given.errors) told.push_back(e.path + ": " + e.message);
  EXPECT_THAT(told, ElementsAre(HasSubstr("rev: "), HasSubstr("n: "),
                                HasSubstr(": the delivery gives no value to 'ref'")));
  EXPECT_FALSE(given.values.contains("d")) << "null is not given: the default counts";
}

}  // namespace
}  // namespace penstock::plan
