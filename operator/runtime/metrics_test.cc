#include "operator/runtime/metrics.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"
#include "operator/kube/informer.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/runtime/log.h"

namespace penstock::runtime {
namespace {

bool Has(const Metrics& metrics, const std::string& line) {
  return ("\n" + metrics.Text()).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, EverySeriesOfAReconcileStandsAtZeroFromTheStart) {
  const Metrics metrics;
  for (const char* controller : {"pipeline", "pipelinerun", "modeldeployment"}) {
    for (const char* result : {"success", "requeue", "Transient", "Conflict", "AlreadyExists",
                               "NotFound", "Expired", "Invalid", "Forbidden", "Internal"}) {
      EXPECT_TRUE(Has(metrics, std::string("penstock_reconcile_total{controller=\"") + controller +
                                   "\",result=\"" + result + "\"} 0"))
          << controller << " " << result;
    }
  }
  EXPECT_TRUE(Has(metrics, "penstock_leader 0"));
  EXPECT_TRUE(Has(metrics, "penstock_events_dropped_total 0"));
}

TEST(Metrics, CountsWhatIsReported) {
  Metrics metrics;
  metrics.Reconciled("pipelinerun", std::chrono::milliseconds(3), "success");
  metrics.Reconciled("pipelinerun", std::chrono::milliseconds(3), "Conflict");
  metrics.ApiWrite("create", "Pod");
  metrics.Handoff(std::chrono::milliseconds(4));
  metrics.Leading(true);
  EXPECT_TRUE(
      Has(metrics, R"(penstock_reconcile_total{controller="pipelinerun",result="success"} 1)"));
  EXPECT_TRUE(Has(metrics, R"(penstock_reconcile_errors_total{controller="pipelinerun"} 1)"));
  EXPECT_TRUE(Has(metrics, R"(penstock_reconcile_time_seconds_count{controller="pipelinerun"} 2)"));
  EXPECT_TRUE(Has(metrics, R"(penstock_api_writes_total{kind="Pod",verb="create"} 1)") ||
              Has(metrics, R"(penstock_api_writes_total{verb="create",kind="Pod"} 1)"));
  EXPECT_TRUE(Has(metrics, R"(penstock_handoff_seconds_bucket{le="0.005"} 1)"));
  EXPECT_TRUE(Has(metrics, "penstock_leader 1"));
}

TEST(Metrics, ShowsTheDataVolumeAndWhetherHistoryIsOpen) {
  Metrics metrics;
  EXPECT_TRUE(Has(metrics, "penstock_history_open 0"));
  metrics.HistoryOpen(true);
  metrics.Volume({.size = 64 << 20, .free = 1 << 20, .files = 0, .free_files = 0});
  EXPECT_TRUE(Has(metrics, "penstock_history_open 1"));
  EXPECT_TRUE(Has(metrics, "penstock_volume_size_bytes 67108864"));
  EXPECT_TRUE(Has(metrics, "penstock_volume_free_bytes 1048576"));
  EXPECT_TRUE(Has(metrics, "penstock_volume_reserve_bytes 4194304"));
}

TEST(Metrics, ShowsWhatACollectionOfTheStoreLeftAndRemoved) {
  Metrics metrics;
  EXPECT_TRUE(Has(metrics, "penstock_store_bytes{use=\"inUse\"} 0"));
  EXPECT_TRUE(Has(metrics, "penstock_store_collected_timestamp_seconds 0"));
  StoreCounts counts;
  counts.in_use_bytes = 1;
  counts.cached_bytes = 2;
  counts.recent_bytes = 3;
  counts.removed_bytes = 4;
  counts.removed_files = 5;
  counts.at = TimePoint(std::chrono::seconds(6));
  metrics.Collected(counts);
  counts.failed = true;
  counts.in_use_bytes = 7;
  metrics.Collected(counts);
  EXPECT_TRUE(Has(metrics, "penstock_store_bytes{use=\"inUse\"} 1")) << "of all namespaces alone";
  EXPECT_TRUE(Has(metrics, "penstock_store_bytes{use=\"cached\"} 2"));
  EXPECT_TRUE(Has(metrics, "penstock_store_bytes{use=\"recent\"} 3"));
  EXPECT_TRUE(Has(metrics, "penstock_store_removed_bytes_total 8"));
  EXPECT_TRUE(Has(metrics, "penstock_store_removed_files_total 10"));
  EXPECT_TRUE(Has(metrics, "penstock_store_collected_timestamp_seconds 6"));
  EXPECT_TRUE(Has(metrics, "penstock_store_collections_total{result=\"success\"} 1"));
  EXPECT_TRUE(Has(metrics, "penstock_store_collections_total{result=\"error\"} 1"));
}

TEST(Metrics, AnInformersCountersAreShownByKindAndNeverFall) {
  SystemClock clock;
  local::MemoryCluster cluster(clock);
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(cluster.Create(kube::kConfigMaps, "n", {{"metadata", {{"name", name}}}}));
  }
  kube::Informer informer(cluster, kube::kConfigMaps, {}, clock);
  Metrics metrics;
  metrics.Informers({&informer});
  EXPECT_TRUE(Has(metrics, R"(penstock_informer_lists_total{kind="ConfigMap"} 0)"));
  informer.Start();
  ASSERT_TRUE(informer.WaitForSync(std::chrono::seconds(10)));
  metrics.Informers({&informer});
  metrics.Informers({&informer});
  EXPECT_TRUE(Has(metrics, R"(penstock_informer_objects{kind="ConfigMap"} 2)")) << metrics.Text();
  EXPECT_TRUE(Has(metrics, R"(penstock_informer_failures_total{kind="ConfigMap"} 0)"));
  EXPECT_FALSE(Has(metrics, R"(penstock_informer_watches_total{kind="ConfigMap"} 0)"));
}

TEST(Metrics, TheProcessTellsItsMemoryAndCpu) {
  Metrics metrics;
  metrics.Process();
  EXPECT_FALSE(Has(metrics, "process_resident_memory_bytes 0"));
  metrics.Queued("pipeline", 3);
  EXPECT_TRUE(Has(metrics, R"(penstock_queue_keys{controller="pipeline"} 3)"));
}

TEST(Metrics, ALockIsToldAsLongAsSomebodyHoldsItOrAsksForIt) {
  Metrics metrics;
  metrics.Locks({{"team", "db", 1, 3}, {"team", "gpu", 2, 0}});
  EXPECT_TRUE(Has(metrics, R"(penstock_lock_holders{lock="db",namespace="team"} 1)"))
      << metrics.Text();
  EXPECT_TRUE(Has(metrics, R"(penstock_lock_waiters{lock="db",namespace="team"} 3)"));
  metrics.Locks({{"team", "gpu", 1, 0}});
  EXPECT_FALSE(Has(metrics, R"(lock="db")"));
  EXPECT_TRUE(Has(metrics, R"(penstock_lock_holders{lock="gpu",namespace="team"} 1)"));
  metrics.Locks({});
  EXPECT_FALSE(Has(metrics, R"(lock=")"));
}

TEST(Metrics, APipelineIsToldToBeLateUntilItIsFreshAgainOrGone) {
  Metrics metrics;
  metrics.Freshness({{"team", "flights", true}, {"team", "prices", false}});
  EXPECT_TRUE(Has(metrics, R"(penstock_pipeline_late{namespace="team",pipeline="flights"} 1)"))
      << metrics.Text();
  EXPECT_TRUE(Has(metrics, R"(penstock_pipeline_late{namespace="team",pipeline="prices"} 0)"));
  metrics.Freshness({{"team", "flights", false}});
  EXPECT_TRUE(Has(metrics, R"(penstock_pipeline_late{namespace="team",pipeline="flights"} 0)"));
  EXPECT_FALSE(Has(metrics, R"(pipeline="prices")"));
}

TEST(Log, ALineIsOneJsonObjectWhateverTheMessageHolds) {
  const std::string line =
      JsonLogLine("2026-01-01T00:00:00Z", "warn", "a \"b\"\n\xFF{}", {{"run", "r"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json parsed = Json::parse(line);
  EXPECT_EQ(parsed["level"], "warn");
  EXPECT_EQ(parsed["run"], "r");
}

}  // namespace
}  // namespace penstock::runtime
