#include "operator/plan/elsewhere/other_engines.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Warnings(const std::string& yaml) {
  std::vector<std::string> warnings;
  EXPECT_THAT(Validate(Spec(yaml), &warnings), IsEmpty());
  return warnings;
}

std::string Shell(const std::string& more) {
  return "steps:\n- {name: a, container: {image: " + kPinned + ", " + more + "}}\n";
}

TEST(OtherEngines, BracesInACommandOrAVariableAreToldWhatTheyAreHere) {
  EXPECT_THAT(
      Warnings(Shell("command: [sh, -c, 'echo {{inputs.parameters.town}}'], args: ['{{item.os}}'], "
                     "env: [{name: RUN, value: '{{workflow.name}}'}]")),
      ElementsAre("spec.steps[0].container.command[2]: {{inputs.parameters.town}} stays as it is: "
                  "here it is $(parameters.town)",
                  HasSubstr("container.args[0]: {{item.os}} stays as it is: here it is "
                            "$(each.value.os), of a step with forEach"),
                  HasSubstr("container.env[0].value: {{workflow.name}} stays as it is: here it is "
                            "$(run.name)")));
}

TEST(OtherEngines, KnowsTheWordsOfArgoAirflowAndKubeflow) {
  const auto told = [](const std::string& text) { return BracesOfOthers(text).value_or(""); };
  EXPECT_THAT(told("{{tasks.fit.outputs.parameters.auc}}"), HasSubstr("$(steps.fit.results.auc)"));
  EXPECT_THAT(told("{{ ds }}"), HasSubstr("$(run.scheduledTime)"));
  EXPECT_THAT(told("{{ params.town }}"), HasSubstr("$(parameters.town)"));
  EXPECT_THAT(told("{{$.inputs.parameters['town']}}"), HasSubstr("$(parameters.town)"));
  EXPECT_THAT(told("{{$.outputs.artifacts['model'].path}}"), HasSubstr("$(outputs.model.path)"));
  EXPECT_THAT(told("{{=asInt(inputs.parameters.n) + 1}}"), IsEmpty());
  EXPECT_THAT(told("{{=inputs.parameters.n + 1}}"), IsEmpty());
  EXPECT_THAT(told("{{=inputs.parameters.n}}"), HasSubstr("values are put in for $(...)"));
}

TEST(OtherEngines, BracesOfAProgramsOwnAreLeftAlone) {
  EXPECT_THAT(Warnings(Shell("command: [podman, inspect, --format, '{{.Name}} {{ user }}', 'a {{', "
                             "'{{}}', '{{ \"x\" }}']")),
              IsEmpty());
}

TEST(OtherEngines, AWordIsFoundBehindBracesThatAreNeverClosed) {
  const std::string open(100'000, '{');
  EXPECT_EQ(BracesOfOthers(open + "}}"), std::nullopt);
  EXPECT_THAT(BracesOfOthers("{{ " + std::string(1'000, 'x') + " {{ds}}").value_or(""),
              HasSubstr("$(run.scheduledTime)"));
}

TEST(OtherEngines, AWordOfTektonIsToldWhatItIsHere) {
  EXPECT_THAT(Errors(Shell("command: [echo, $(params.town), '$(params.files[*])', "
                           "$(context.pipelineRun.name), $(tasks.fit.results.auc)]")),
              ElementsAre(HasSubstr("$(params.town): here it is $(parameters.town)"),
                          HasSubstr("$(params.files[*]): here it is $(parameters.files[*])"),
                          HasSubstr("$(context.pipelineRun.name): here it is $(run.name)"),
                          HasSubstr("here it is $(steps.fit.results.auc)")));
}

// It said to put [*] into a parameter, which is refused there.
TEST(OtherEngines, AllItemsOfAResultInACommandGoThroughAParameterAsAList) {
  EXPECT_THAT(Errors("steps:\n" + kSource +
                     "- {name: b, container: {image: i, command: [echo, "
                     "'$(steps.make.results.rows[*])']}}\n"),
              ElementsAre(HasSubstr("add `parameters: {rows: $(steps.make.results.rows)}` to the "
                                    "step and write $(parameters.rows[*]) here")));
}

}  // namespace
}  // namespace penstock::plan
