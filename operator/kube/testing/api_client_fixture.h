// An ApiClient of a fake server. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/api_client.h"
#include "operator/kube/resources.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::kube {

using net::FakeConnection;
using net::FakeIdentity;
using net::FakeServer;
using net::MakeFakeIdentity;

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class MovableClock : public SystemClock {
 public:
  [[nodiscard]] steady_clock::time_point Steady() const override {
    return steady_clock::now() + milliseconds(offset_ms.load());
  }
  std::atomic<std::int64_t> offset_ms{0};
};

inline MovableClock& TestClock() {
  static MovableClock clock;
  return clock;
}

inline std::unique_ptr<ApiClient> ClientOf(const FakeServer& server, ClusterConfig config = {}) {
  config.server = server.url();
  auto client = ApiClient::Make(std::move(config), TestClock());
  EXPECT_TRUE(client) << client.error().message;
  return *std::move(client);
}

inline Call Within(milliseconds timeout, std::stop_token stop = {}) {
  return {std::move(stop), timeout, {}};
}

inline constexpr const char* kPod = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}})";
inline constexpr const char* kStatus410 =
    R"({"kind":"Status","reason":"Expired","message":"old","code":410})";

inline Result<void> WatchAll(ApiClient& client, std::vector<std::string>* names = nullptr,
                             WatchOptions options = {}, std::stop_token stop = {}) {
  return client.Watch(
      kPods, "ns", options,
      [&](WatchEvent& event) {
        if (names) names->push_back((*event.object)["metadata"].value("name", ""));
        return true;
      },
      std::move(stop));
}

// One tenant's object must not make a list or a watch unreadable for all.
inline const std::string kDeepPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"deep"},"spec":)" +
    std::string(9'000, '[') + std::string(9'000, ']') + "}";

}  // namespace penstock::kube
