#include "operator/runtime/leader_election.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

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

class LeaderElection : public ::testing::Test {
 protected:
  static LeaderSettings Settings(const std::string& me) {
    LeaderSettings s;
    s.ns = "sys";
    s.identity = me;
    return s;
  }
  bool Try(LeaderElector& elector) {
    const auto held = elector.TryOnce(std::chrono::seconds(1), {});
    EXPECT_TRUE(held) << held.error().message;
    return held && *held;
  }
  std::string Holder() {
    const Json spec = cluster.Get(kube::kLeases, "sys", "penstock-operator")
                          .value()
                          .value("spec", Json::object());
    return spec.contains("holderIdentity") && spec.at("holderIdentity").is_string()
               ? spec.at("holderIdentity").get<std::string>()
               : "";
  }
  FakeClock clock;
  local::MemoryCluster cluster{clock};
};

TEST_F(LeaderElection, OneOfTwoLeadsUntilItReleases) {
  LeaderElector a(cluster, Settings("a"), clock);
  LeaderElector b(cluster, Settings("b"), clock);
  EXPECT_TRUE(Try(a));
  EXPECT_FALSE(Try(b));
  EXPECT_TRUE(a.IsLeading());
  EXPECT_FALSE(b.IsLeading());
  ASSERT_TRUE(a.Release());
  EXPECT_TRUE(Try(b));
  EXPECT_EQ(Holder(), "b");
}

TEST_F(LeaderElection, ALeaseThatIsRenewedIsNotTakenAndASilentOneIs) {
  LeaderElector a(cluster, Settings("a"), clock);
  LeaderElector b(cluster, Settings("b"), clock);
  ASSERT_TRUE(Try(a));
  for (int i = 0; i < 10; ++i) {
    clock.passed += std::chrono::seconds(2);
    EXPECT_TRUE(Try(a));
    EXPECT_FALSE(Try(b));
  }
  clock.passed += std::chrono::seconds(14);
  EXPECT_FALSE(Try(b));
  clock.passed += std::chrono::seconds(2);
  EXPECT_TRUE(Try(b));
}

TEST_F(LeaderElection, WhoLeadsIsSaidOnce) {
  std::vector<std::string> said;
  LeaderElector a(cluster, Settings("a"), clock);
  LeaderElector b(cluster, Settings("b"), clock, [&](const std::string& s) { said.push_back(s); });
  ASSERT_TRUE(Try(a));
  EXPECT_FALSE(Try(b));
  ASSERT_TRUE(Try(a));
  EXPECT_FALSE(Try(b));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("held by a"), std::string::npos) << said[0];
}

TEST_F(LeaderElection, AFrozenLeaderKnowsThatItsTimeIsOverBeforeItAsks) {
  LeaderElector a(cluster, Settings("a"), clock);
  ASSERT_TRUE(Try(a));
  clock.passed += std::chrono::seconds(20);  // SIGSTOP and SIGCONT
  EXPECT_FALSE(a.IsLeading());
  LeaderGuardedClient guarded(cluster, [&] { return a.IsLeading(); });
  const auto refused = guarded.Create(kube::kConfigMaps, "sys", {{"metadata", {{"name", "x"}}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kCancelled);
  EXPECT_FALSE(cluster.Get(kube::kConfigMaps, "sys", "x"));
}

// A client that keeps the call that it got.
class CallKeeper : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  mutable kube::Call kept;

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
  [[nodiscard]] kube::Call Adapted(std::string_view, const kube::Call& call) const override {
    return kept = call;
  }
};

TEST_F(LeaderElection, AWriteThatWaitsForRetryAfterAsksAgainWhetherItLeads) {
  CallKeeper below(cluster);
  bool leads = true;
  LeaderGuardedClient guarded(below, [&] { return leads; });
  ASSERT_TRUE(guarded.Create(kube::kConfigMaps, "sys", {{"metadata", {{"name", "x"}}}}));
  ASSERT_TRUE(below.kept.allowed);
  EXPECT_TRUE(below.kept.allowed());
  leads = false;
  EXPECT_FALSE(below.kept.allowed());
  ASSERT_TRUE(guarded.Get(kube::kConfigMaps, "sys", "x"));
  EXPECT_FALSE(below.kept.allowed);  // a read may always be sent again
}

TEST_F(LeaderElection, RunEndsByItsTokenAfterTheWorkAndGivesTheLeaseBack) {
  LeaderElector a(cluster, Settings("a"), clock);
  std::stop_source stop;
  bool held_during_work = false;
  const auto end = a.Run(stop.get_token(), [&](const std::stop_token&) {
    held_during_work = Holder() == "a";
    stop.request_stop();
  });
  EXPECT_EQ(end, LeaderElector::End::kStopped);
  EXPECT_TRUE(held_during_work);
  EXPECT_EQ(Holder(), "");
}

TEST(LeaderElectionLoss, ALeaderThatCannotRenewStopsItsWorkAndSaysThatItLost) {
  const SystemClock clock;
  local::MemoryCluster cluster(clock);
  std::atomic<bool> down = false;
  cluster.SetInterceptor([&](const local::Request&) -> std::optional<Error> {
    if (down) return Transient("the API server is away");
    return std::nullopt;
  });
  LeaderSettings s;
  s.ns = "sys";
  s.identity = "a";
  s.lease = std::chrono::milliseconds(300);
  s.renew_deadline = std::chrono::milliseconds(200);
  s.retry = std::chrono::milliseconds(20);
  LeaderElector elector(cluster, s, clock);
  LeaderGuardedClient guarded(cluster, [&] { return elector.IsLeading(); });
  bool wrote_after_loss = true;
  const auto end = elector.Run({}, [&](std::stop_token leading) {
    down = true;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, leading, [] { return false; });
    down = false;
    wrote_after_loss =
        guarded.Create(kube::kConfigMaps, "sys", {{"metadata", {{"name", "x"}}}}).has_value();
  });
  EXPECT_EQ(end, LeaderElector::End::kLost);
  EXPECT_FALSE(wrote_after_loss);
}

TEST_F(LeaderElection, ALeaseThatAnotherTookIsNotReleased) {
  LeaderElector a(cluster, Settings("a"), clock);
  LeaderElector b(cluster, Settings("b"), clock);
  ASSERT_TRUE(Try(a));
  EXPECT_FALSE(Try(b));
  clock.passed += std::chrono::seconds(16);
  ASSERT_TRUE(Try(b));
  EXPECT_TRUE(a.Release());
  EXPECT_EQ(Holder(), "b");
  EXPECT_FALSE(Try(a));
}

TEST(LeaderSettingsCheck, TheTimesMustLeaveRoomToRenew) {
  LeaderSettings s;
  s.ns = "sys";
  s.identity = "a";
  EXPECT_TRUE(CheckLeaderSettings(s));
  s.renew_deadline = s.lease;
  EXPECT_FALSE(CheckLeaderSettings(s));
  s.renew_deadline = Milliseconds(2'300);
  EXPECT_FALSE(CheckLeaderSettings(s));
}

}  // namespace
}  // namespace penstock::runtime
