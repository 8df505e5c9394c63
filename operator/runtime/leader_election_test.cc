#include "operator/runtime/leader_election.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::runtime {
namespace {

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override {
    return TimePoint(std::chrono::seconds(1'700'000'000)) + passed;
  }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1)) + passed;
  }
  Milliseconds passed{0};
};

struct Election : ::testing::Test {
  FakeClock clock;
  local::MemoryCluster cluster;
  std::stop_source stop;
  int waits = 0;

  LeaseOptions Options(const std::string& me) { return {.namespace_ = "sys", .identity = me}; }
  // Time passes only in waits; after `most` of them the process is told to stop.
  LeaderElector::Wait WaitAtMost(int most, std::function<void(int)> meanwhile = {}) {
    return [this, most, meanwhile](Milliseconds time, const std::stop_token&) {
      clock.passed += time;
      if (meanwhile) meanwhile(waits);
      if (++waits >= most) stop.request_stop();
    };
  }
  Json Lease() { return cluster.Get(kube::kLeases, "sys", "penstock-operator").value(); }
  void Hold(const std::string& who, int seconds) {
    const Json lease{
        {"apiVersion", "coordination.k8s.io/v1"},
        {"kind", "Lease"},
        {"metadata", {{"name", "penstock-operator"}, {"namespace", "sys"}}},
        {"spec",
         {{"holderIdentity", who}, {"leaseDurationSeconds", seconds}, {"leaseTransitions", 3}}}};
    ASSERT_TRUE(cluster.Create(kube::kLeases, "sys", lease));
  }
};

TEST_F(Election, TakesAFreeLeaseAndGivesItBackWhenStopped) {
  bool led = false;
  bool ended = false;
  LeaderElector elector(cluster, clock, Options("a"), WaitAtMost(3));
  const auto result = elector.Run(
      [&] {
        led = true;
        EXPECT_EQ(ReadLease(Lease()).holder, "a");
      },
      [&] {
        ended = true;
        EXPECT_EQ(ReadLease(Lease()).holder, "a");
      },
      stop.get_token());
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result && led && ended);
  EXPECT_EQ(ReadLease(Lease()).holder, "");
  EXPECT_EQ(ReadLease(Lease()).duration, std::chrono::seconds(1));
}

TEST_F(Election, WaitsForALeaseThatIsRenewedAndTakesOneThatIsNot) {
  Hold("b", 15);
  bool led = false;
  // b renews during the first five waits, then falls silent
  LeaderElector elector(
      cluster, clock, Options("a"), WaitAtMost(30, [&](int n) {
        if (n < 5) {
          const Json patch{{"spec", {{"renewTime", "n" + std::to_string(n)}}}};
          ASSERT_TRUE(cluster.MergePatch(kube::kLeases, "sys", "penstock-operator", patch));
        }
        if (n < 12) EXPECT_FALSE(led) << "after " << n << " waits";
      }));
  ASSERT_TRUE(elector.Run([&] { led = true; }, [] {}, stop.get_token()));
  EXPECT_TRUE(led);
  EXPECT_EQ(ReadLease(Lease()).transitions, 4);
}

TEST_F(Election, SaysThatTheLeaseIsLostWhenAnotherHoldsIt) {
  bool released = false;
  LeaderElector elector(
      cluster, clock, Options("a"), WaitAtMost(20, [&](int n) {
        const Json patch{{"spec", {{"holderIdentity", "b"}, {"leaseDurationSeconds", 15}}}};
        if (n == 1)
          ASSERT_TRUE(cluster.MergePatch(kube::kLeases, "sys", "penstock-operator", patch));
      }));
  const auto result = elector.Run([] {}, [&] { released = true; }, stop.get_token());
  ASSERT_TRUE(result);
  EXPECT_FALSE(*result);
  EXPECT_FALSE(released);
  EXPECT_EQ(ReadLease(Lease()).holder, "b");
}

TEST(LeaseTimings, MustLeaveRoomToRenew) {
  LeaseOptions o{.namespace_ = "sys", .identity = "a"};
  EXPECT_TRUE(CheckTimings(o));
  o.renew_deadline = o.lease;
  EXPECT_FALSE(CheckTimings(o));
  o.renew_deadline = Milliseconds(2'300);
  EXPECT_FALSE(CheckTimings(o));
}

}  // namespace
}  // namespace penstock::runtime
