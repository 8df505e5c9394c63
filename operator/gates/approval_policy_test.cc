#include "operator/gates/approval_policy.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::gates {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Policy() {
  return Json::parse(R"({
    "metadata": {"name": "p-approvals", "creationTimestamp": "2026-11-21T12:00:00Z"},
    "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [
      {"apiGroups": ["penstock.dev"], "operations": ["CREATE"], "resources": ["approvals"]}]},
      "validations": [{"expression": "true"}]}})");
}
Json Binding() {
  return Json::parse(R"({
    "metadata": {"name": "p-approvals", "creationTimestamp": "2026-11-21T12:00:05Z"},
    "spec": {"policyName": "p-approvals", "validationActions": ["Deny"]}})");
}

std::string Why(const Json& policy, const Json& binding) {
  return ReadApprovalPolicy("p-approvals", policy, binding).why_not;
}

TEST(ApprovalPolicy, IsInForceFromAMomentAfterBothAreThere) {
  const auto answer = ReadApprovalPolicy("p-approvals", Policy(), Binding());
  EXPECT_THAT(answer.why_not, IsEmpty());
  EXPECT_EQ(FormatTime(answer.since), "2026-11-21T12:00:15Z");
}

// Somebody may have let it warn only, for an hour.
TEST(ApprovalPolicy, IsInForceFromAMomentAfterItsLastChange) {
  Json binding = Binding();
  binding["metadata"]["managedFields"] = Json::parse(
      R"([{"manager": "helm", "time": "2026-11-21T12:00:05Z"},
          {"manager": "kubectl-edit", "time": "2026-11-22T08:00:00Z"},
          {"manager": "kube", "subresource": "status", "time": "2026-11-23T08:00:00Z"}])");
  const auto answer = ReadApprovalPolicy("p-approvals", Policy(), binding);
  EXPECT_EQ(FormatTime(answer.since), "2026-11-22T08:00:10Z");
}

TEST(ApprovalPolicy, IsNoneThatLetsSomethingBy) {
  Json policy = Policy();
  policy["spec"]["failurePolicy"] = "Ignore";
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("its failurePolicy is not Fail"));
  policy = Policy();
  policy["spec"]["matchConstraints"]["resourceRules"][0]["resources"] = {"pipelines"};
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("does not look at Approvals"));
  policy = Policy();
  policy["spec"]["matchConstraints"]["namespaceSelector"] = {{"matchLabels", {{"a", "b"}}}};
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("leave some out (namespaceSelector)"));
  policy["spec"]["matchConstraints"]["namespaceSelector"] = Json::object();  // as it is defaulted
  EXPECT_THAT(Why(policy, Binding()), IsEmpty());
  policy = Policy();
  policy["spec"]["matchConditions"] = Json::array({{{"name", "some"}, {"expression", "false"}}});
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("it has conditions (matchConditions)"));
  policy = Policy();
  policy["spec"]["matchConstraints"]["resourceRules"][0]["resourceNames"] = {"one"};
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("does not look at Approvals"));
  policy["spec"]["matchConstraints"]["resourceRules"][0].erase("resourceNames");
  policy["spec"]["matchConstraints"]["resourceRules"][0]["scope"] = "Cluster";
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("does not look at Approvals"));
  policy = Policy();
  policy["spec"].erase("validations");
  EXPECT_THAT(Why(policy, Binding()), HasSubstr("has no validations"));
}

TEST(ApprovalPolicy, KnowsNoSubmittersWhereItDoesNotLookAtRunsAndPipelines) {
  Json policy = Policy();
  EXPECT_THAT(ReadApprovalPolicy("p-approvals", policy, Binding()).submitters_unknown,
              HasSubstr("does not look at pipelines (CREATE)"));
  policy["spec"]["matchConstraints"]["resourceRules"].push_back(
      {{"apiGroups", {"penstock.dev"}},
       {"operations", {"CREATE", "UPDATE"}},
       {"resources", {"pipelines", "pipelineruns"}},
       {"scope", "*"}});
  EXPECT_THAT(ReadApprovalPolicy("p-approvals", policy, Binding()).submitters_unknown, IsEmpty());
}

TEST(ApprovalPolicy, IsNoneWhoseBindingDoesNotDeny) {
  Json binding = Binding();
  binding["spec"]["validationActions"] = {"Warn", "Audit"};
  EXPECT_THAT(Why(Policy(), binding), HasSubstr("does not deny"));
  binding = Binding();
  binding["spec"]["policyName"] = "other";
  EXPECT_THAT(Why(Policy(), binding), HasSubstr("is of another policy"));
  binding = Binding();
  binding["spec"]["matchResources"] = {{"namespaceSelector", {{"matchLabels", {{"a", "b"}}}}}};
  EXPECT_THAT(Why(Policy(), binding), HasSubstr("leaves some out (matchResources)"));
}

TEST(ApprovalPolicy, IsAskedForAgainWhenTheAnswerIsOld) {
  class Later : public Clock {
   public:
    [[nodiscard]] TimePoint Now() const override { return real_.Now(); }
    [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
      return std::chrono::steady_clock::time_point{} + after;
    }
    Milliseconds after{1'000'000};

   private:
    SystemClock real_;
  } clock;
  local::MemoryCluster cluster(clock);
  ApprovalPolicyCheck check;
  std::string name = "p-approvals";
  std::vector<std::function<void()>> submitted;
  const std::function<void(std::function<void()>)> submit = [&](auto work) {
    submitted.push_back(std::move(work));
  };
  const std::stop_token stop;
  const ApprovalPolicyCheck::Asker asker{cluster, clock, name, submit, stop};
  std::vector<std::string> woken;
  const auto ask = [&] {
    return check.Ask(asker, "team/r", [&](const std::string& key) { woken.push_back(key); })
        .why_not;
  };
  const auto answer = [&] {
    ASSERT_EQ(submitted.size(), 1U);
    std::exchange(submitted, {}).front()();
  };
  EXPECT_THAT(ask(), HasSubstr("not known yet"));
  EXPECT_THAT(ask(), HasSubstr("not known yet"));
  answer();  // one question, and nobody waited for it
  EXPECT_THAT(woken, ElementsAre("team/r"));
  EXPECT_THAT(ask(), HasSubstr("there is no ValidatingAdmissionPolicy p-approvals"));
  ASSERT_TRUE(cluster.Create(kube::kAdmissionPolicies, "", Policy()));
  EXPECT_THAT(ask(), HasSubstr("there is no"));
  EXPECT_THAT(submitted, IsEmpty());
  clock.after += ApprovalPolicyCheck::kOld;
  EXPECT_THAT(ask(), HasSubstr("there is no ValidatingAdmissionPolicy p-approvals"));
  answer();
  EXPECT_THAT(woken, ElementsAre("team/r", "team/r"));
  EXPECT_THAT(ask(), HasSubstr("there is no ValidatingAdmissionPolicyBinding p-approvals"));
  ASSERT_TRUE(cluster.Create(kube::kAdmissionPolicyBindings, "", Binding()));
  check.AskNow(asker);
  EXPECT_THAT(ask(), IsEmpty());
  clock.after += 2 * ApprovalPolicyCheck::kOld;
  EXPECT_THAT(ask(), HasSubstr("not known")) << "an answer that is too old counts for nothing";
  name.clear();
  EXPECT_THAT(ask(), HasSubstr("no policy"));
}

}  // namespace
}  // namespace penstock::gates
