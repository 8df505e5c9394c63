// What kstatus, and whoever builds on it (kubectl apply --prune, Argo CD, Flux), reads from our
// conditions. The plans are the golden ones: testdata/<case>/plan.yaml of each planner.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "operator/plan/testing/golden_test.h"

namespace penstock::plan {
namespace {

namespace fs = std::filesystem;

bool Holds(const Json& condition, const char* type) {
  return condition.at("type") == type && condition.at("status") == "True";
}

// The rules of kstatus for a kind that it does not know: a deletion, then a generation that was not
// observed, then Reconciling and Stalled in the order of the list, then Ready.
std::string Kstatus(const Json& object) {
  const Json& meta = object.at("metadata");
  const Json status = object.value("status", Json::object());
  const Json conditions = status.value("conditions", Json::array());
  if (meta.contains("deletionTimestamp")) return "Terminating";
  if (status.contains("observedGeneration") &&
      status.at("observedGeneration") != meta.at("generation"))
    return "InProgress";
  for (const Json& c : conditions) {
    if (Holds(c, "Reconciling")) return "InProgress";
    if (Holds(c, "Stalled")) return "Failed";
  }
  for (const Json& c : conditions)
    if (c.at("type") == "Ready" && c.at("status") != "True") return "InProgress";
  return "Current";
}

fs::path TestdataOf(const std::string& planner) {
  return fs::path(PENSTOCK_TEST_SOURCE_DIR) / planner / "testdata";
}

Json Planned(const std::string& planner, const std::string& name) {
  const Json plan = LoadYaml(TestdataOf(planner) / name / "plan.yaml");
  return {{"metadata", {{"generation", 1}}}, {"status", plan.at("status")}};
}

TEST(Kstatus, ReadsFromOurConditionsHowAnObjectStands) {
  struct Row {
    const char* planner;
    const char* golden_case;
    const char* kstatus;
  };
  constexpr Row kRows[] = {
      {"run", "first-visit", "InProgress"},
      {"run", "next-step-starts", "InProgress"},
      {"run", "retry-begins", "InProgress"},
      {"run", "quota-exceeded", "InProgress"},
      {"run", "succeeded", "Current"},
      {"run", "cancel-now", "InProgress"},  // its pods are being ended
      {"run", "invalid-spec", "Failed"},
      {"run", "evicted-and-failed", "Failed"},
      {"run", "suspended", "InProgress"},  // as the guide says: it waits for somebody
      {"pipeline", "nothing-changed", "Current"},
      {"pipeline", "suspended", "Current"},
      {"pipeline", "creation-refused", "InProgress"},
      {"pipeline", "invalid-spec", "Failed"},
      {"model", "waiting-for-a-model", "InProgress"},
      {"model", "first-rollout", "InProgress"},
      {"model", "steady", "Current"},
      {"model", "foreign-service", "Failed"},
      {"model", "invalid-spec", "Failed"},
  };
  for (const Row& row : kRows)
    EXPECT_EQ(Kstatus(Planned(row.planner, row.golden_case)), row.kstatus)
        << row.planner << "/" << row.golden_case;
}

// The CRDs give a new object this status, since without one kstatus would take it for done.
TEST(Kstatus, AnObjectThatNobodyHasLookedAtYetIsInProgress) {
  EXPECT_EQ(Kstatus({{"metadata", {{"generation", 1}}}, {"status", {{"observedGeneration", 0}}}}),
            "InProgress");
}

TEST(Kstatus, AChangedSpecIsInProgressAndADeletedObjectIsTerminating) {
  Json object = Planned("model", "steady");
  object["metadata"]["generation"] = 2;
  EXPECT_EQ(Kstatus(object), "InProgress");
  object["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z";
  EXPECT_EQ(Kstatus(object), "Terminating");
}

TEST(GoldenPlans, GiveEveryConditionItsReasonMessageAndGeneration) {
  std::vector<fs::path> plans;
  for (const char* planner : {"run", "pipeline", "model"})
    for (const auto& folder : fs::directory_iterator(TestdataOf(planner)))
      plans.push_back(folder.path() / "plan.yaml");
  std::sort(plans.begin(), plans.end());
  ASSERT_GT(plans.size(), 50U);
  for (const fs::path& file : plans) {
    SCOPED_TRACE(file);
    const Json plan = LoadYaml(file);
    const Json& status = plan.at("status");
    EXPECT_EQ(status.value("observedGeneration", 0), 1);
    ASSERT_TRUE(status.contains("conditions"));
    for (const Json& c : status.at("conditions")) {
      EXPECT_NE(c.value("reason", ""), "") << c;
      EXPECT_TRUE(c.contains("message")) << c;
      EXPECT_EQ(c.value("observedGeneration", 0), 1) << c;
      EXPECT_NE(c.value("lastTransitionTime", ""), "") << c;
    }
  }
}

}  // namespace
}  // namespace penstock::plan
