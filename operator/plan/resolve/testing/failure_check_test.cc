// onFailure: what a manifest may say of it.
#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Failing(const std::string& kind, const std::string& on_failure) {
  return "steps:\n- {name: s, " + kind + ", onFailure: {" + on_failure + "}}\n";
}
const std::string kContainer = "container: {image: i, command: [run]}";
const std::string kLastGood = "use: LastGood, maxAge: 48h";

std::vector<std::string> Read(const std::string& spec) {
  std::vector<std::string> told;
  for (const api::FieldError& e : api::DecodePipelineSpec(Yaml(spec), "spec").errors)
    told.push_back(e.path + ": " + e.message);
  return told;
}

TEST(OnFailure, IsForAStepThatGivesSomething) {
  EXPECT_THAT(Errors(Failing(kContainer + ", outputs: [{name: o}]", kLastGood)), IsEmpty());
  EXPECT_THAT(Errors(Failing(kContainer + ", results: [{name: r}], forEach: {in: [1]}", kLastGood)),
              IsEmpty());
  EXPECT_THAT(Errors(Failing(kContainer, kLastGood)),
              ElementsAre(HasSubstr("spec.steps[0].onFailure: the step has no outputs and no "
                                    "results that could stand in for it; allowFailure lets it")));
  EXPECT_THAT(Errors(Failing(kContainer + ", daemon: {readiness: {tcp: 80}}", kLastGood)),
              ElementsAre(HasSubstr("spec.steps[0].onFailure: a daemon serves while it runs")));
  EXPECT_THAT(Errors(Failing("wait: {duration: 1m}", kLastGood)),
              ElementsAre(HasSubstr("spec.steps[0].onFailure: what people decide, and a time")));
}

TEST(OnFailure, SaysHowOldItMayBe) {
  EXPECT_THAT(Read(Failing(kContainer, "use: LastGood")),
              ElementsAre(HasSubstr("spec.steps[0].onFailure.maxAge: is required, such as 48h")));
  EXPECT_THAT(Read(Failing(kContainer, "maxAge: 1h")),
              ElementsAre(HasSubstr("spec.steps[0].onFailure.use: is required")));
  EXPECT_THAT(Read(Failing(kContainer, "use: Newest, maxAge: 1h")),
              ElementsAre(HasSubstr("spec.steps[0].onFailure.use: must be one of \"LastGood\"")));
  EXPECT_THAT(Errors(Failing(kContainer + ", outputs: [{name: o}]", "use: LastGood, maxAge: 0s")),
              ElementsAre(HasSubstr("spec.steps[0].onFailure.maxAge: must be above 0")));
}

TEST(OnFailure, IsOfTheStepThatIsAPipelineAndNotOfThoseWithin) {
  const std::string within = "steps:\n- name: s\n  pipeline:\n    steps: [{name: a, " + kContainer +
                             ", outputs: [{name: o}], onFailure: {" + kLastGood +
                             "}}]\n    outputs: {o: $(steps.a.outputs.o)}\n";
  EXPECT_THAT(Errors(within),
              ElementsAre(HasSubstr("spec.steps[0].pipeline.steps[0].onFailure: a run within "
                                    "another one has no earlier run; say onFailure of the step")));
  EXPECT_THAT(Errors("steps:\n- name: s\n  onFailure: {" + kLastGood +
                     "}\n  pipeline:\n    steps: [{name: a, " + kContainer +
                     ", outputs: [{name: o}]}]\n    outputs: {o: $(steps.a.outputs.o)}\n"),
              IsEmpty());
}

TEST(OnFailure, IsKeptInWhatARunIsPinnedTo) {
  const auto run = MustResolve(Failing(kContainer + ", outputs: [{name: o}]", kLastGood));
  ASSERT_TRUE(run.steps.at(0).on_failure);
  const auto again = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->steps.at(0).on_failure->max_age, Milliseconds(48h));
}

// The failure of a step is no end of what follows where something stands in.
TEST(OnFailure, LetsAStepWantBothItsOutputAndItsFailure) {
  const std::string two = "- {name: a, " + kContainer + ", outputs: [{name: o}]";
  const std::string reader = "- {name: b, " + kContainer +
                             ", inputs: {i: $(steps.a.outputs.o)}}\n- {name: c, " + kContainer +
                             ", dependsOn: [{step: a, outcome: Failed}, {step: b}]}\n";
  EXPECT_THAT(Errors("steps:\n" + two + "}\n" + reader), testing::SizeIs(1));
  EXPECT_THAT(Errors("steps:\n" + two + ", onFailure: {" + kLastGood + "}}\n" + reader), IsEmpty());
}

}  // namespace
}  // namespace penstock::plan
