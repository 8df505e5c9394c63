#include "operator/main/own_addresses.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::main {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

class MovingClock : public Clock {
 public:
  TimePoint Now() const override { return {}; }
  std::chrono::steady_clock::time_point Steady() const override { return now; }
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
};

// Lists fail while `down`, and take a while.
class FailingClient : public kube::ForwardingClient {
 public:
  FailingClient(kube::Client& below, MovingClock& clock) : ForwardingClient(below), clock_(clock) {}
  bool down = false;
  std::chrono::seconds takes{0};
  int calls = 0;

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType&) override {
    calls += write.empty() ? 1 : 0;
    clock_.now += takes;
    if (!down) return {};
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "no right";
    return e;
  }

 private:
  MovingClock& clock_;
};

class OwnAddressesTest : public ::testing::Test {
 protected:
  void Service(const std::string& ns, const std::string& name, const std::string& address) {
    const Json object = {{"apiVersion", "v1"},
                         {"kind", "Service"},
                         {"metadata", {{"name", name}, {"namespace", ns}}},
                         {"spec", {{"clusterIPs", {address}}, {"externalIPs", {"203.0.113.9"}}}}};
    ASSERT_TRUE(cluster_.Create(kube::kServices, ns, object, {}));
  }
  void Slice(const std::string& ns, const std::string& name, const std::string& address) {
    const Json object = {{"apiVersion", "discovery.k8s.io/v1"},
                         {"kind", "EndpointSlice"},
                         {"metadata", {{"name", name}, {"namespace", ns}}},
                         {"addressType", "IPv4"},
                         {"endpoints", {{{"addresses", {address}}}}}};
    ASSERT_TRUE(cluster_.Create(kube::kEndpointSlices, ns, object, {}));
  }

  SystemClock real_;
  MovingClock clock_;
  local::MemoryCluster cluster_{real_};
  FailingClient client_{cluster_, clock_};
  OwnAddresses own_{client_, clock_, "penstock-system", "192.0.2.1"};
};

TEST_F(OwnAddressesTest, AreTheApiServersAndThoseOfTheOwnNamespace) {
  Service("penstock-system", "penstock-gateway", "10.96.0.10");
  Service("team", "minio", "10.96.0.11");
  Slice("penstock-system", "penstock-gateway-x", "10.1.0.10");
  Slice("default", "kubernetes", "198.51.100.7");
  const auto known = own_.Get();
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_THAT(*known, IsSupersetOf(
                          {"192.0.2.1", "10.96.0.10", "203.0.113.9", "10.1.0.10", "198.51.100.7"}));
  EXPECT_THAT(*known, Not(Contains("10.96.0.11")));
}

TEST_F(OwnAddressesTest, AreAskedForAgainAfterHalfAMinute) {
  ASSERT_TRUE(own_.Get());
  const int once = client_.calls;
  ASSERT_TRUE(own_.Get());
  EXPECT_EQ(client_.calls, once);
  Service("penstock-system", "late", "10.96.0.12");
  clock_.now += std::chrono::seconds(31);
  EXPECT_THAT(*own_.Get(), Contains("10.96.0.12"));
}

TEST_F(OwnAddressesTest, WhatWasKnownStandsWhileTheApiServerIsAway) {
  Service("penstock-system", "penstock-gateway", "10.96.0.10");
  ASSERT_TRUE(own_.Get());
  client_.down = true;
  clock_.now += std::chrono::seconds(31);
  EXPECT_THAT(own_.Get().value(), Contains("10.96.0.10"));
}

TEST_F(OwnAddressesTest, NothingIsKnownBeforeTheFirstAnswerAndThatIsNoRefusal) {
  client_.down = true;
  const auto unknown = own_.Get();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kTransient);
  client_.down = false;
  clock_.now += std::chrono::seconds(2);
  EXPECT_TRUE(own_.Get()) << "the failure was remembered";
}

TEST_F(OwnAddressesTest, ThoseWhoComeAfterAFailureDoNotAskOneAfterTheOther) {
  client_.down = true;
  client_.takes = std::chrono::seconds(5);
  ASSERT_FALSE(own_.Get());
  const int once = client_.calls;
  const auto next = own_.Get();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().message, "no right");
  EXPECT_EQ(client_.calls, once) << "the pause was over before it began";
  clock_.now += std::chrono::seconds(2);
  ASSERT_FALSE(own_.Get());
  EXPECT_GT(client_.calls, once);
}

}  // namespace
}  // namespace penstock::main
