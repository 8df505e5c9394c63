#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/component_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Approval(const std::string& fields, const std::string& rest = "") {
  return "- {name: go, approval: {" + fields + "}" + (rest.empty() ? "" : ", " + rest) + "}\n";
}

TEST(GateChecks, TakeApprovalsAndWaits) {
  EXPECT_THAT(
      Errors("steps:\n" + kSource +
             Approval("message: $(steps.make.results.rows), approvers: [{group: leads}], need: 2, "
                      "notBySubmitter: true, timeout: 1h, onTimeout: Skip, values: [{name: env, "
                      "enum: [a, b]}]") +
             Step("use", "parameters: {env: $(steps.go.results.env)}") +
             "- {name: pause, wait: {duration: 10m}, dependsOn: [{step: go}]}\n"),
      IsEmpty());
}

TEST(GateChecks, RefuseWhatIsForAPod) {
  EXPECT_THAT(Errors("steps:\n" + Approval("need: 1",
                                           "resources: {requests: {cpu: 1}}, retry: "
                                           "{user: {limit: 1}}, inputs: {a: b}")),
              ElementsAre(HasSubstr("spec.steps[0].inputs: is for a pod"),
                          HasSubstr("spec.steps[0].resources: is for a pod"),
                          HasSubstr("spec.steps[0].retry: is for a pod")));
  EXPECT_THAT(Errors("steps:\n- {name: s, wait: {duration: 1s}, forEach: {in: [1]}, locks: [{name: "
                     "a}]}\n"),
              ElementsAre(HasSubstr("spec.steps[0].forEach: a step that waits cannot be looped"),
                          HasSubstr("spec.steps[0].locks: a step that waits takes no lock")));
}

TEST(GateChecks, NameEveryErrorOfAnApproval) {
  EXPECT_THAT(
      Errors("steps:\n" +
             Approval("approvers: [{user: a}, {user: a}, {user: a, group: b}, {}], need: 3, "
                      "message: $(steps.no.results.x), values: [{name: \"1\"}, {name: v, type: "
                      "integer, default: x}, {name: v}]")),
      ElementsAre(HasSubstr("approvers[1]: 'a' stands there twice"),
                  HasSubstr("approvers[2]: an approver is either"),
                  HasSubstr("approvers[3]: an approver is either"), HasSubstr("values[0].name"),
                  HasSubstr("values[1].default"),
                  HasSubstr("values[2].name: 'v' stands there twice"),
                  HasSubstr("approval.message: $(steps.no.results.x): there is no step")));
}

// What could not be read was told once more for what follows from it.
TEST(GateChecks, TellEachMistakeOnce) {
  const auto decoded = [](const std::string& step) {
    auto read = api::DecodePipelineSpec(Yaml("steps:\n" + step), "spec");
    std::vector<std::string> told;
    for (const api::FieldError& e : read.errors) told.push_back(e.path + ": " + e.message);
    return told;
  };
  EXPECT_THAT(decoded("- {name: w, wait: {duration: $(parameters.x)}}\n"),
              ElementsAre(HasSubstr("spec.steps[0].wait.duration: '$(parameters.x)' is not a")));
  EXPECT_THAT(decoded(Approval("approvers: [{user: 5}, {usr: a}, a]")),
              ElementsAre(HasSubstr("approvers[0].user: must be a string"),
                          HasSubstr("approvers[1].usr: unknown field"),
                          HasSubstr("approvers[2]: must be an object")));
  EXPECT_THAT(Errors("steps:\n" + Approval("approvers: [{}], need: 2")),
              ElementsAre(HasSubstr("approvers[0]: an approver is either a user or a group")));
  EXPECT_THAT(
      Errors("steps:\n- {name: w, forEach: {in: $(parameters.no)}, wait: {duration: 1s}}\n"),
      ElementsAre(HasSubstr("spec.steps[0].forEach: a step that waits cannot be looped")));
}

TEST(GateChecks, NameANeedThatNobodyCanMeet) {
  EXPECT_THAT(
      Errors("steps:\n" + Approval("approvers: [{user: a}], need: 2")),
      ElementsAre(HasSubstr("spec.steps[0].approval.need: 2 must approve, and only 1 may")));
  EXPECT_THAT(Errors("steps:\n" + Approval("need: 2")), IsEmpty());
}

TEST(GateChecks, WantDefaultsWhereNobodyGivesTheValues) {
  EXPECT_THAT(Errors("steps:\n" + Approval("timeout: 1h, onTimeout: Approve, values: [{name: a}, "
                                           "{name: b, default: x}]")),
              ElementsAre(HasSubstr("approval.values[0]: needs a default")));
}

TEST(GateChecks, RefuseDefaultsThatAreMoreThanResultsMayBe) {
  const std::string much(40'000, 'x');
  const auto values = [&](const std::string& second) {
    return "steps:\n" + Approval("values: [{name: a, default: " + much +
                                 "}, {name: b, default: " + second + "}]");
  };
  EXPECT_THAT(Errors(values("x")), IsEmpty());
  EXPECT_THAT(Errors(values(much)),
              ElementsAre(HasSubstr("approval.values: their defaults are over 64 KiB together")));
}

TEST(GateChecks, RefuseAnApprovalInFinally) {
  EXPECT_THAT(Errors("steps:\n" + Step("a") + "finally:\n" + Approval("need: 1")),
              ElementsAre(HasSubstr("spec.finally[0].approval: an approval cannot stand")));
  EXPECT_THAT(Errors("steps:\n" + Step("a") + "finally:\n- {name: w, wait: {duration: 1s}}\n"),
              IsEmpty());
}

TEST(GateChecks, KnowTheResultsOfAnApproval) {
  EXPECT_THAT(Errors("steps:\n" + Approval("values: [{name: env}]") +
                     Step("use", "parameters: {env: $(steps.go.results.nope)}")),
              ElementsAre(HasSubstr("step go has no result 'nope'; it has env")));
  EXPECT_THAT(
      Errors("steps:\n" + Approval("need: 1") + Step("use", "inputs: {i: $(steps.go.outputs.o)}")),
      ElementsAre(HasSubstr("step go has no output 'o'")));
}

TEST(GateChecks, ARevisionKeepsThemWithTheParametersPutIn) {
  const auto run = MustResolve(
      "parameters: [{name: town, default: Ulm}]\nsteps:\n" + kSource +
      Approval("message: \"$(parameters.town) has $(steps.make.results.rows) rows\", need: 2, "
               "timeout: 1h, onTimeout: Skip, values: [{name: env, default: a}]") +
      "- {name: pause, wait: {duration: 10m}}\n");
  const auto read = DecodeResolved(EncodeResolved(run));
  ASSERT_TRUE(read) << read.error().message;
  const ResolvedStep* go = read->Find("go");
  ASSERT_NE(go, nullptr);
  ASSERT_TRUE(go->approval);
  EXPECT_EQ(go->approval->message, "Ulm has $(steps.make.results.rows) rows");
  EXPECT_EQ(go->approval->need, 2);
  EXPECT_EQ(go->approval->on_timeout, api::ApprovalTimeout::kSkip);
  ASSERT_EQ(go->results.size(), 1U);
  EXPECT_EQ(go->results[0].name, "env");
  EXPECT_TRUE(go->HasNoPod());
  EXPECT_EQ(read->Find("pause")->wait->duration, Milliseconds(10min));
}

}  // namespace
}  // namespace penstock::plan
