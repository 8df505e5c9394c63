// Approvals over a cluster in memory: decisions that come as objects, with and without the policy
// that holds them against who makes them.
#include <gmock/gmock.h>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EngineApprovals : public EngineTest {
 protected:
  EngineApprovals() { approval_policy_ = "penstock-approvals"; }

  // As the chart makes them.
  void InstallPolicy() {
    MustCreate(kube::kAdmissionPolicies,
               {{"metadata", {{"name", approval_policy_}}},
                {"spec",
                 {{"failurePolicy", "Fail"},
                  {"matchConstraints",
                   {{"resourceRules", Json::array({{{"apiGroups", {"penstock.dev"}},
                                                    {"operations", {"CREATE"}},
                                                    {"resources", {"approvals"}}}})}}},
                  {"validations", Json::array({{{"expression", "true"}}})}}}});
    MustCreate(kube::kAdmissionPolicyBindings,
               {{"metadata", {{"name", approval_policy_}}},
                {"spec", {{"policyName", approval_policy_}, {"validationActions", {"Deny"}}}}});
  }
  void MustCreate(const kube::ResourceType& type, const Json& object) {
    auto made = cluster_.Create(type, "", object);
    ASSERT_TRUE(made) << made.error().message;
  }
  void CreateRun(const std::string& name, const std::string& approval = "") {
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec:\n  pipelineSpec:\n    steps:\n" +
               "    - {name: go, approval: {" + approval + "}}\n" +
               "    - {name: deploy, dependsOn: [{step: go}], container: {image: tool, command: "
               "[x]}}\n");
  }
  Json AwaitReason(const std::string& run, const std::string& reason) {
    return Await(kube::kPipelineRuns, run, "go says " + reason, [&](const Json& object) {
      return StepOf(object, "go").value("reason", "") == reason;
    });
  }
  Json Decide(const std::string& run, const std::string& user, const std::string& more = "",
              const std::string& decision = "Approve") {
    const std::string uid = Get(kube::kPipelineRuns, run)["metadata"]["uid"];
    return Create(kube::kApprovals, "metadata: {name: " + run + "-" + user +
                                        "}\nspec: {run: {name: " + run + ", uid: " + uid +
                                        "}, step: go, decision: " + decision +
                                        ", approver: {user: " + user + "}" + more + "}\n");
  }
};

// A policy that is a moment old counts from a moment later: the tests' is made with the cluster.
TEST_F(EngineApprovals, OfAPolicyThatHasJustComeDoNotCountYet) {
  InstallPolicy();
  StartEngine();
  CreateRun("first");
  Decide("first", "alice");
  const Json run = AwaitReason("first", "ApprovalUnbound");
  EXPECT_THAT(StepOf(run, "go")["message"].get<std::string>(),
              HasSubstr("the policy has just come or changed"));
  EXPECT_THAT(kubelet_->started(), IsEmpty());
}

TEST_F(EngineApprovals, CountForNothingWithoutThePolicyAndTheRunSaysSo) {
  StartEngine();
  CreateRun("first");
  AwaitReason("first", "ApprovalUnbound");
  Decide("first", "alice");
  const Json run = Await(kube::kPipelineRuns, "first", "its condition says so", [](const Json& r) {
    for (const Json& c : r["status"]["conditions"])
      if (c["type"] == "Succeeded" &&
          c["message"].get<std::string>().find("there is no ValidatingAdmissionPolicy") !=
              std::string::npos)
        return true;
    return false;
  });
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "Unknown");
  EXPECT_THAT(kubelet_->started(), IsEmpty());
}

// As in a local run: whoever runs it decides.
class ApprovalsByHand : public EngineApprovals {
 protected:
  ApprovalsByHand() { approvals_by_hand_ = true; }
};

TEST_F(ApprovalsByHand, LetTheRunGoOnWithTheirValues) {
  StartEngine();
  CreateRun("first", "values: [{name: env, enum: [a, b]}]");
  AwaitReason("first", "AwaitingApproval");
  EXPECT_THAT(ListAll(kube::kPods), IsEmpty());
  Decide("first", "alice", ", values: {env: b}");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(StepOf(run, "go")["results"]["env"], "b");
  EXPECT_EQ(StepOf(run, "go")["message"], "approved by alice");
  EXPECT_THAT(kubelet_->started(), ElementsAre("deploy/1"));
}

TEST_F(ApprovalsByHand, ThatAreMadeWhileNobodyLooksAreFoundAfterARestart) {
  StartEngine();
  CreateRun("first");
  AwaitReason("first", "AwaitingApproval");
  StopEngine();
  Decide("first", "alice");
  StartEngine();
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
}

TEST_F(ApprovalsByHand, ThatRejectFailTheRun) {
  StartEngine();
  CreateRun("first");
  AwaitReason("first", "AwaitingApproval");
  Decide("first", "alice", ", comment: not now", "Reject");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
  EXPECT_EQ(StepOf(run, "go")["reason"], "Rejected");
  EXPECT_EQ(StepOf(run, "deploy")["phase"], "Skipped");
}

TEST_F(ApprovalsByHand, WaitForNobodyAfterACancel) {
  StartEngine();
  CreateRun("first");
  AwaitReason("first", "AwaitingApproval");
  Patch(kube::kPipelineRuns, "first", {{"spec", {{"cancel", "Stop"}}}});
  EXPECT_EQ(StepOf(AwaitFinished("first"), "go")["phase"], "Cancelled");
}

TEST_F(ApprovalsByHand, WaitsPassByThemselves) {
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\nspec: {pipelineSpec: {steps: [{name: pause, wait: {duration: "
         "1s}}, {name: after, dependsOn: [{step: pause}], container: {image: tool, command: "
         "[x]}}]}}\n");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_THAT(kubelet_->started(), ElementsAre("after/1"));
}

}  // namespace
}  // namespace penstock::controllers
