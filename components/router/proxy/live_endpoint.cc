#include <arpa/inet.h>

#include <algorithm>

#include "components/router/proxy/live_routes.h"

namespace penstock::router {

namespace {

constexpr int kFailuresToEject = 5;
constexpr Moment kFirstEjection = 1'000;
constexpr int kMostDoublings = 6;

}  // namespace

Moment NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

LiveEndpoint::LiveEndpoint(const Endpoint& at) : where(at) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (inet_pton(AF_INET, at.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(at.port);
    address_size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, at.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(at.port);
    address_size = sizeof(sockaddr_in6);
  }  // else size 0, and connecting fails: Check lets none of these through
}

void Outlier::Failed(bool unreachable, Moment now) {
  if (!unreachable && ++failures < kFailuresToEject) return;
  if (IsEjected(now)) return;
  failures = 0;
  const int before = ejections.fetch_add(1);
  ejected_until = now + (kFirstEjection << std::min(before, kMostDoublings));
}

void Outlier::Answered() {
  // Read first: nearly always both are 0, and a write would take the line from other processors.
  if (failures.load(std::memory_order_relaxed) != 0) failures = 0;
  if (ejections.load(std::memory_order_relaxed) != 0) {
    ejections = 0;
    ejected_until = 0;
  }
}

}  // namespace penstock::router
