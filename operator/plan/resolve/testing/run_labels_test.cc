// Labels of runs, from parameters.
#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kTown =
    "parameters: [{name: town, default: Ulm}, {name: year, type: integer, optional: true}]\n";

std::string Labels(const std::string& labels) {
  return kTown + "runLabels: {" + labels + "}\nsteps:\n" + Step("a");
}

TEST(RunLabels, HoldTheValuesOfParameters) {
  const auto run =
      MustResolve(Labels("town: $(parameters.town), example.com/kind: of-$(parameters.year), "
                         "year: $(parameters.year), fixed: daily"),
                  {{"year", 2026}});
  const std::map<std::string, std::string> wanted{
      {"town", "Ulm"}, {"example.com/kind", "of-2026"}, {"year", "2026"}, {"fixed", "daily"}};
  EXPECT_EQ(run.labels, wanted);
  const auto read = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->labels, wanted);
  EXPECT_FALSE(MustResolve(Labels("year: $(parameters.year)")).labels.contains("year"))
      << "the parameter is not given";
}

TEST(RunLabels, OfAParameterThatIsNoLabelValueRefuseTheRunAndNameIt) {
  EXPECT_THAT(
      Errors(Labels("town: of-$(parameters.town)-$(parameters.year)"), {},
             {{"town", "New York"}, {"year", 2026}}),
      ElementsAre(AllOf(HasSubstr("spec.runLabels.town: 'of-New York-2026' is no label value"),
                        HasSubstr("give another value to one of the parameters 'town', 'year'"))));
}

// It was said of no file, and then of runs that gave another value.
TEST(RunLabels, OfADefaultThatIsNoLabelValueAreWarnedOfAndRefuseOnlyTheRunsThatTakeIt) {
  const std::string yaml =
      "parameters: [{name: town, default: New York}, {name: year, type: integer}]\n"
      "runLabels: {town: $(parameters.town), year: $(parameters.year)}\nsteps:\n" +
      Step("a");
  const auto wrong = AllOf(HasSubstr("spec.runLabels.town: 'New York' is no label value"),
                           HasSubstr("give another value to the parameter 'town'"));
  const Resolution checked = Check(Spec(yaml), {});
  EXPECT_THAT(checked.errors, IsEmpty());
  EXPECT_THAT(checked.warnings, ElementsAre(wrong));
  const auto run = MustResolve(yaml, {{"town", "Paris"}, {"year", 2026}});
  EXPECT_EQ(run.labels.at("town"), "Paris");
  EXPECT_THAT(run.warnings, IsEmpty());
  EXPECT_THAT(Errors(yaml, {}, {{"year", 2026}}), ElementsAre(wrong));
}

TEST(RunLabels, NameWhatCannotStandInThem) {
  EXPECT_THAT(Errors(Labels("town: $(steps.a.results.r), \"penstock.dev/x\": a, b: a b, c: "
                            "$(parameters.none)")),
              ElementsAre(HasSubstr("penstock.dev/x]: names within penstock.dev"),
                          HasSubstr("spec.runLabels.b: 'a b' is no label value"),
                          HasSubstr("spec.runLabels.c: $(parameters.none): the pipeline has no"),
                          HasSubstr("spec.runLabels.town: $(steps.a.results.r) cannot stand in a "
                                    "run's label")));
}

// A parameter that only a label uses was warned of; another label is no other run.
TEST(RunLabels, UseTheirParametersAndMakeNoOtherRun) {
  std::vector<std::string> warnings;
  EXPECT_THAT(
      Validate(Spec(Labels("town: $(parameters.town), year: $(parameters.year)")), &warnings),
      IsEmpty());
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(RunHash(Spec(Labels("a: b"))), RunHash(Spec(Labels(""))));
}

}  // namespace
}  // namespace penstock::plan
