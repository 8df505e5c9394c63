#include "operator/plan/model/rollout_report.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/plan/model/model_history.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimePoint kNow{std::chrono::hours(24 * 365 * 30)};

class Reports : public ::testing::Test {
 protected:
  Reports() {
    o_.md.meta.name = "flights";
    o_.md.meta.namespace_ = "team";
    o_.md.meta.uid = "md-uid";
    o_.md.status.stable.emplace();
    o_.md.status.stable->version = 7;
    entry_.version = 8;
    entry_.digest = "sha256:" + std::string(64, 'b');
    entry_.outcome = kRolledBack;
    entry_.reason = "errorRate is 4%";
    entry_.time = kNow - Milliseconds(1'000);
    api::GateStatus gate;
    gate.name = "errorRate";
    gate.verdict = "Fail";
    gate.value = "4%";
    gate.samples = 4'120;
    entry_.gates = {gate};
  }
  ModelPlan Planned() {
    ModelPlan plan;
    plan.status.history = {entry_};
    PutReports(o_, kNow, plan);
    return plan;
  }

  ModelObserved o_;
  api::ModelHistoryEntry entry_;
};

TEST_F(Reports, HaveTheEvidenceAsJsonAndAsAPage) {
  rollout::Evidence evidence;
  evidence.Begin({7, 8, 1}, {});
  rollout::RouterFact router;
  router.pod = "a";
  router.latency_bounds = {0.1, 0.2};
  router.versions.resize(1);
  router.versions[0].version = 8;
  router.versions[0].latency = {0, 0, 0};
  evidence.Look({router}, kNow);
  router.versions[0].requests = 100;
  router.versions[0].server_errors = 4;
  router.versions[0].latency = {90, 10, 0};
  evidence.Look({router}, kNow);
  const rollout::Report report = BuildReport(o_.md, entry_, &evidence);
  const Json json = Json::parse(report.json);
  EXPECT_EQ(json["form"], "penstock.dev/rollout-report/v1");
  EXPECT_EQ(json["version"], 8);
  EXPECT_EQ(json["stable"]["version"], 7);
  EXPECT_EQ(json["gates"][0]["samples"], 4'120);
  EXPECT_EQ(json["evidence"]["candidate"]["serverErrors"], 4);
  EXPECT_EQ(json["evidence"]["latency"]["candidate"], Json({90, 10, 0}));
  EXPECT_THAT(report.page, HasSubstr("<td>4120</td>"));
  EXPECT_THAT(report.page, HasSubstr("<td>server errors</td><td>0</td><td>4</td>"));
}

TEST_F(Reports, EscapeWhatAServerSaid) {
  entry_.reason = "<script>alert(1)</script> & \"more\"";
  entry_.gates[0].message = "<img src=x>";
  const std::string page = BuildReport(o_.md, entry_, nullptr).page;
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
}

TEST_F(Reports, OfOneThatIsMissingAreMadeOfTheHistory) {
  const ModelPlan plan = Planned();
  ASSERT_TRUE(plan.report);
  EXPECT_EQ(plan.report->version, 8);
  EXPECT_EQ(Json::parse(plan.report->json)["evidence"], Json());
  EXPECT_THAT(plan.status.history[0].report, "");
}

TEST_F(Reports, ThatWereStoredStandInTheHistoryAndAreTold) {
  o_.reports = {{8, *entry_.time, "sha256:report"}};
  const ModelPlan plan = Planned();
  EXPECT_EQ(plan.status.history[0].report, "sha256:report");
  EXPECT_FALSE(plan.report);
  ASSERT_EQ(plan.events.size(), 1U);
  EXPECT_EQ(plan.events[0].reason, "RolloutReport");
  EXPECT_THAT(plan.events[0].message, HasSubstr("version 8 was rolled back for"));
  EXPECT_THAT(plan.events[0].message, HasSubstr("sha256:report"));
}

TEST_F(Reports, OfAnotherTimeOfTheVersionAreNotItsOwn) {
  o_.reports = {{8, *entry_.time - Milliseconds(5'000), "sha256:report"}};
  EXPECT_EQ(Planned().status.history[0].report, "");
}

TEST_F(Reports, AreMadeOfNothingLongPastAndOfNoUndo) {
  entry_.time = kNow - std::chrono::hours(2);
  EXPECT_FALSE(Planned().report);
  entry_.time = kNow;
  entry_.to = 5;
  EXPECT_FALSE(Planned().report);
  entry_.to = 0;
  entry_.outcome = kPromoted;
  EXPECT_FALSE(Planned().report);
}

}  // namespace
}  // namespace penstock::plan
