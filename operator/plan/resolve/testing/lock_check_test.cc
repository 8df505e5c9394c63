#include "operator/plan/locks/lock_check.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string InPlace(const std::string& locks, const std::string& inner) {
  return "- {name: call, " + locks + "pipeline: {steps: [{name: in, " + inner +
         "container: {image: i, command: [x]}}]}}\n";
}

TEST(LockChecks, TakeLocksOfARunAndOfItsStepsInTheOrderOfTheirNames) {
  EXPECT_THAT(Errors("locks: [{name: b}, {name: a}]\nsteps:\n" + Step("s", "locks: [{name: c}]")),
              IsEmpty());
  EXPECT_THAT(Errors("steps:\n" + Step("s", "locks: [{name: b}, {name: a}]") +
                     Step("t", "locks: [{name: a}]")),
              IsEmpty());
}

TEST(LockChecks, NameALockThatTheRunHoldsAlready) {
  EXPECT_THAT(Errors("locks: [{name: db}]\nsteps:\n" + Step("s", "locks: [{name: db}]")),
              ElementsAre(HasSubstr("spec.steps[0].locks[0].name: 'db' is held already")));
}

TEST(LockChecks, NameALockThatComesBeforeOneThatIsHeld) {
  EXPECT_THAT(
      Errors("locks: [{name: gpu}]\nsteps:\n" + Step("s", "locks: [{name: z}, {name: db}]")),
      ElementsAre(HasSubstr("spec.steps[0].locks[1].name: 'db' comes before 'gpu'")));
}

TEST(LockChecks, LookIntoPipelinesInPlace) {
  EXPECT_THAT(Errors("steps:\n" + InPlace("locks: [{name: gpu}], ", "locks: [{name: db}], ")),
              ElementsAre(HasSubstr(
                  "spec.steps[0].pipeline.steps[0].locks[0].name: 'db' comes before 'gpu'")));
  EXPECT_THAT(
      Errors("locks: [{name: z}]\nsteps:\n" + InPlace("", "locks: [{name: z}], ")),
      ElementsAre(HasSubstr("spec.steps[0].pipeline.steps[0].locks[0].name: 'z' is held already")));
  EXPECT_THAT(Errors("steps:\n" + InPlace("locks: [{name: db}], ", "locks: [{name: gpu}], ")),
              IsEmpty());
}

TEST(LockChecks, LookIntoPipelinesByNameAndWhatTheyRun) {
  Surroundings around;
  around.pipeline = [](const std::string& name, bool) {
    auto one = std::make_shared<api::Pipeline>();
    one->meta.name = name;
    one->spec = name == "outer"
                    ? Spec("steps: [{name: x, pipeline: {name: inner}}]")
                    : Spec("locks: [{name: a}]\nsteps:\n" + Step("s", "locks: [{name: b}]"));
    return one;
  };
  const auto errors = [&](const std::string& locks) {
    return Resolve("p", Spec("steps: [{name: call, " + locks + "pipeline: {name: outer}}]"), {},
                   around)
        .errors;
  };
  EXPECT_THAT(errors(""), IsEmpty());
  const auto found = errors("locks: [{name: b}], ");
  ASSERT_EQ(found.size(), 2U) << api::Describe(found);
  EXPECT_EQ(found[0].path, "spec.steps[0].pipeline");
  EXPECT_THAT(found[0].message, HasSubstr("the Pipeline inner takes the lock a: 'a' comes before"));
  EXPECT_THAT(found[1].message, HasSubstr("the Pipeline inner takes the lock b: 'b' is held"));
}

std::string Daemon(const std::string& name, const std::string& lock) {
  return Step(name, "daemon: {readiness: {tcp: 80}}, locks: [{name: " + lock + "}]");
}
std::string Using(const std::string& daemons, const std::string& lock) {
  return "dependsOn: [" + daemons + "]" + (lock.empty() ? "" : ", locks: [{name: " + lock + "}]");
}

// Each would wait for the other for ever.
TEST(LockChecks, NameALockOfAStepWhoseDaemonHoldsIt) {
  EXPECT_THAT(
      Errors("steps:\n" + Daemon("db", "gpu") + Step("use", Using("{step: db}", "gpu"))),
      ElementsAre(HasSubstr("spec.steps[1].locks[0].name: the daemon db holds 'gpu' until those "
                            "that use it have ended: 'gpu' is held already")));
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "gpu") + Step("use", Using("{step: db}", "disk"))),
              ElementsAre(HasSubstr("'disk' comes before 'gpu'")));
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "gpu") + Step("use", Using("{step: db}", "net"))),
              IsEmpty());
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "gpu") + Step("other", "locks: [{name: gpu}]")),
              ElementsAre(HasSubstr("the daemon db holds 'gpu'")))
      << "one that nobody uses waits for all others";
  EXPECT_THAT(Errors("steps:\n" + Step("first", "locks: [{name: gpu}]") +
                     Step("db",
                          "daemon: {readiness: {tcp: 80}}, locks: [{name: gpu}], dependsOn: "
                          "[{step: first}]") +
                     Step("use", Using("{step: db}, {step: first}", "")) + "finally:\n" +
                     Step("last", "locks: [{name: gpu}]")),
              IsEmpty())
      << "these have ended before it begins, or begin when it has ended";
}

TEST(LockChecks, NameALockOfAStepThatAUserOfADaemonWaitsFor) {
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "gpu") + Step("before", "locks: [{name: gpu}]") +
                     Step("use", Using("{step: db}, {step: before}", ""))),
              ElementsAre(HasSubstr("spec.steps[1].locks[0].name: the daemon db holds 'gpu'")));
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "a") + Daemon("web", "b") +
                     Step("use", Using("{step: db}, {step: web}", ""))),
              ElementsAre(HasSubstr("the daemon web holds 'b'")))
      << "two runs could each have one of the two";
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "a") +
                     Step("web",
                          "daemon: {readiness: {tcp: 80}}, locks: [{name: b}], dependsOn: "
                          "[{step: db}]") +
                     Step("use", Using("{step: web}", ""))),
              IsEmpty());
}

TEST(LockChecks, LookIntoThePipelinesThatUseADaemon) {
  EXPECT_THAT(Errors("steps:\n" + Daemon("db", "gpu") +
                     InPlace("dependsOn: [{step: db}], ", "locks: [{name: gpu}], ")),
              ElementsAre(HasSubstr(
                  "spec.steps[1].pipeline.steps[0].locks[0].name: the daemon db holds 'gpu'")));
}

TEST(LockChecks, ARevisionKeepsLocksWhichAreNoPartOfWhatWouldRun) {
  const std::string with = "locks: [{name: a}]\nsteps:\n" + Step("s", "locks: [{name: b}]");
  const auto read = DecodeResolved(EncodeResolved(MustResolve(with)));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->locks.size(), 1U);
  EXPECT_EQ(read->locks[0].name, "a");
  ASSERT_EQ(read->steps[0].locks.size(), 1U);
  EXPECT_EQ(read->steps[0].locks[0].name, "b");
  EXPECT_EQ(RunHash(Spec(with)), RunHash(Spec("steps:\n" + Step("s"))));
}

}  // namespace
}  // namespace penstock::plan
