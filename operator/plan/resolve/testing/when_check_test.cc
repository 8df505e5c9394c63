#include "operator/plan/resolve/when_check.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::string When(const std::string& text, const std::string& more = "") {
  return Step("use", "when: '" + text + "'" + (more.empty() ? "" : ", " + more));
}
const std::string kParameters =
    "parameters: [{name: train, type: boolean, default: true}, {name: rate, type: number, default: "
    "3}, {name: word, default: a}, {name: maybe, type: integer, optional: true}, {name: more, "
    "type: "
    "list, default: []}]\n";

std::vector<std::string> ErrorsOf(const std::string& when, const std::string& more = "") {
  return Errors(kParameters + "steps:\n" + kSource + When(when, more));
}

api::DependencyOutcome OutcomeOf(const std::string& when, const std::string& more = "") {
  const auto run = MustResolve(kParameters + "steps:\n" + kSource + When(when, more));
  EXPECT_EQ(run.steps.back().depends_on.size(), 1u);
  return run.steps.back().depends_on.at(0).outcome;
}

TEST(When, TakesParametersResultsAndStatusByTheirTypes) {
  for (const char* good :
       {"parameters.train", "parameters.rate * 2.0 > 1", "parameters.word == \"a\"",
        "parameters.maybe == null || parameters.maybe > 3", "size(parameters.more) > 0",
        "steps.make.results.rows > 100", "steps[\"make\"].results[\"rows\"] > 100",
        "steps.make.status == \"Failed\"", "has(steps.make.outputs.data)",
        "has(steps.make.results.rows) && steps.make.results.rows > 1",
        "run.name.startsWith(\"nightly-\")"})
    EXPECT_THAT(ErrorsOf(good), IsEmpty()) << good;
}

TEST(When, SaysAtItsPathWhatIsWrong) {
  EXPECT_THAT(ErrorsOf("steps.make.results.row > 1"),
              ElementsAre("spec.steps[1].when: character 19: step 'make' has no result 'row'; did "
                          "you mean \"rows\"?"));
  EXPECT_THAT(ErrorsOf("steps.mak.results.rows > 1"),
              ElementsAre(HasSubstr("the pipeline has no step 'mak'; did you mean \"make\"?")));
  EXPECT_THAT(ErrorsOf("parameters.rows > 1"), ElementsAre(HasSubstr("has no parameter 'rows'")));
  EXPECT_THAT(ErrorsOf("parameters.word > 1"), ElementsAre(HasSubstr("takes no string and int")));
  EXPECT_THAT(ErrorsOf("parameters.rate + 1.0"),
              ElementsAre(HasSubstr("is a double, not true or false; compare it")));
  EXPECT_THAT(ErrorsOf("steps.make.outcome == \"Failed\""),
              ElementsAre(HasSubstr("it has exitCode, outputs, results, status")));
  EXPECT_THAT(ErrorsOf("each.value > 1"), ElementsAre(HasSubstr("there is no 'each'")));
  EXPECT_THAT(ErrorsOf("1 ="), ElementsAre(HasSubstr("spec.steps[1].when: character 3")));
}

TEST(When, TheRunsStatusIsForFinallyStepsOnly) {
  EXPECT_THAT(ErrorsOf("run.status == \"Failed\""),
              ElementsAre(HasSubstr("the run, while its steps go on, has no field 'status'")));
  EXPECT_THAT(
      Errors("steps:\n" + kSource + "finally:\n" +
             When("run.status == \"Failed\" && run.failures.exists(f, f.step == \"make\")")),
      IsEmpty());
}

TEST(When, IsAnEdgeThatWantsSuccessWhereItReadsResultsOnly) {
  EXPECT_EQ(OutcomeOf("steps.make.results.rows > 1"), api::DependencyOutcome::kSucceeded);
  EXPECT_EQ(OutcomeOf("steps.make.status == \"Failed\""), api::DependencyOutcome::kAny);
  EXPECT_EQ(OutcomeOf("has(steps.make.results.rows)"), api::DependencyOutcome::kAny);
  EXPECT_EQ(OutcomeOf("steps.make.status == \"Failed\" || steps.make.results.rows > 1"),
            api::DependencyOutcome::kAny);
  EXPECT_EQ(OutcomeOf("steps.make.results.rows > 1",
                      "dependsOn: [{step: make, outcome: SucceededOrSkipped}]"),
            api::DependencyOutcome::kSucceededOrSkipped);
}

TEST(When, AStepMayNotAskForItself) {
  EXPECT_THAT(ErrorsOf("steps.use.status == \"Failed\""), ElementsAre(HasSubstr("use -> use")));
}

TEST(When, AParameterThatOnlyAConditionNamesIsUsed) {
  std::vector<std::string> warnings;
  (void)Validate(Spec(kParameters + "steps:\n" + kSource + When("parameters.train")), &warnings);
  EXPECT_THAT(warnings, Not(Contains(HasSubstr("'train'"))));
  EXPECT_THAT(warnings, Contains(HasSubstr("'word'")));
}

TEST(When, ANumberStaysADoubleInTheRevision) {
  const auto run = MustResolve(kParameters + "steps:\n" + kSource + When("parameters.rate > 1.0"));
  EXPECT_THAT(DecodeResolved(EncodeResolved(run))->number_parameters, ElementsAre("rate"));
}

TEST(When, AStatusIsAValueOfTypeStringAndWantsAnyEnd) {
  const auto run =
      MustResolve("steps:\n" + kSource + Step("tell", "parameters: {how: $(steps.make.status)}"));
  EXPECT_EQ(run.steps[1].depends_on.at(0).outcome, api::DependencyOutcome::kAny);
  EXPECT_THAT(Errors("steps:\n" + kSource + Step("tell", "parameters: {how: $(steps.mak.status)}")),
              ElementsAre(HasSubstr("there is no step 'mak'")));
}

TEST(When, EachIsOfLoopedSteps) {
  EXPECT_TRUE(NamesEach("each.value > 1"));
  EXPECT_FALSE(NamesEach("[1].all(e, e > 0)"));
}

}  // namespace
}  // namespace penstock::plan
