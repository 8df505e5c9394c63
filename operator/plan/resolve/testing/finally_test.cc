#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Finally, ItsStepsStandBehindAllOthersAndSeeThemHoweverTheyEnd) {
  const auto run = MustResolve("steps:\n" + Step("z", "dependsOn: [{step: make}]") + kSource +
                               "finally:\n" + Step("a") +
                               Step("b",
                                    "inputs: {d: $(steps.make.outputs.data)}, "
                                    "dependsOn: [{step: a}]"));
  ASSERT_EQ(run.steps.size(), 4u);
  EXPECT_EQ(run.steps[1].name, "z");
  EXPECT_FALSE(run.steps[1].final_step);
  EXPECT_EQ(run.steps[2].name, "a");
  EXPECT_TRUE(run.steps[2].final_step);
  const auto& on = run.steps[3].depends_on;
  ASSERT_EQ(on.size(), 2u);
  EXPECT_EQ(on[0].step, "a");
  EXPECT_EQ(on[0].outcome, api::DependencyOutcome::kSucceeded);
  EXPECT_EQ(on[1].step, "make");
  EXPECT_EQ(on[1].outcome, api::DependencyOutcome::kAny);
}

TEST(Finally, NoOtherStepMayWaitForOneOfIts) {
  EXPECT_THAT(
      Errors("steps:\n" + Step("a", "dependsOn: [{step: tell}]") + "finally:\n" + Step("tell")),
      ElementsAre(HasSubstr("spec.steps[0]: waits for step 'tell' of finally")));
}

TEST(Finally, NamesAreSharedWithTheOtherSteps) {
  EXPECT_THAT(Errors("steps:\n" + Step("a") + "finally:\n" + Step("a")),
              ElementsAre(HasSubstr("spec.finally[0].name: the step 'a' stands there twice")));
}

TEST(Finally, ErrorsNameThePlaceInFinally) {
  EXPECT_THAT(Errors("steps:\n" + Step("a") + "finally:\n" +
                     Step("b", "inputs: {d: $(steps.a.outputs.no)}")),
              ElementsAre(HasSubstr("spec.finally[0].inputs.d: ")));
}

TEST(Finally, WhereAFailureIsAllowedAStepMayWantItAndWhatComesAfter) {
  const std::string may = "allowFailure: true";
  EXPECT_THAT(Errors("steps:\n" + Step("a", may) + Step("b", "dependsOn: [{step: a}]") +
                     Step("c", "dependsOn: [{step: a, outcome: Failed}, {step: b}]")),
              IsEmpty());
}

TEST(Finally, ARevisionKeepsWhenAllowFailureFinallyAndTheDeadline) {
  const auto run =
      MustResolve("timeouts: {run: 90s}\nsteps:\n" +
                  Step("a", "allowFailure: true, when: \"true\"") + "finally:\n" + Step("b"));
  const auto read = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->timeout, 90s);
  EXPECT_TRUE(read->steps[0].allow_failure);
  EXPECT_EQ(read->steps[0].when, "true");
  EXPECT_FALSE(read->steps[0].final_step);
  EXPECT_TRUE(read->steps[1].final_step);
}

TEST(Finally, ADeadlineIsNoPartOfWhatWouldRunAndFinallyIs) {
  const auto plain = Spec("steps:\n" + Step("a"));
  EXPECT_EQ(RunHash(Spec("timeouts: {run: 1m}\nsteps:\n" + Step("a"))), RunHash(plain));
  EXPECT_NE(RunHash(Spec("steps:\n" + Step("a") + "finally:\n" + Step("b"))), RunHash(plain));
}

}  // namespace
}  // namespace penstock::plan
