// The route table in use: what workers look up with each request, and what outlives a change of the
// table (counters, connections under way, ejections).
//
// A LiveRoutes is immutable and replaced as a whole; what it points to by shared_ptr is shared by
// successive tables and written by all workers, atomically.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "components/router/edge/credentials.h"
#include "components/router/observe/shadow_comparer.h"
#include "components/router/observe/statistics.h"
#include "components/router/routing/route_table.h"
#include "components/router/routing/weighted_choice.h"

namespace penstock::router {

// The steady clock, in milliseconds; only differences mean anything.
using Moment = std::int64_t;
[[nodiscard]] Moment NowMs();

// What cannot be reached, or fails five times on end, gets nothing for a second, twice as long each
// time up to a minute; an answer makes it whole again.
struct Outlier {
  [[nodiscard]] bool IsEjected(Moment now) const { return now < ejected_until; }
  void Failed(bool unreachable, Moment now);
  void Answered();
  std::atomic<int> failures{0};
  std::atomic<int> ejections{0};
  std::atomic<Moment> ejected_until{0};
};

// An outlier by what its HTTP says; gRPC's ports are judged by themselves (router/grpc).
struct LiveEndpoint : Outlier {
  explicit LiveEndpoint(const Endpoint& at);
  const Endpoint where;
  sockaddr_storage address{};
  socklen_t address_size = 0;
  std::atomic<bool> listed{true};  // false: no table names it any more
  std::atomic<int> in_flight{0};   // calls of gRPC with them
  std::atomic<int> copies{0};      // of those, the copies for a shadow: nobody waits for them
  [[nodiscard]] int under_way() const { return in_flight.load(std::memory_order_relaxed); }
};

// The endpoint with the fewest requests under way, from `start` on where several have; not
// `avoided` if there is another, not an ejected one unless all of them are. Null: none.
template <typename E>
[[nodiscard]] const std::shared_ptr<E>* PickOf(const std::vector<std::shared_ptr<E>>& endpoints,
                                               std::size_t start, Moment now, const E* avoided) {
  if (endpoints.size() == 1) return endpoints.data();
  const bool all_count = std::all_of(endpoints.begin(), endpoints.end(),
                                     [now](const auto& one) { return one->IsEjected(now); });
  const std::shared_ptr<E>* best = nullptr;
  int fewest = 0;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto& endpoint = endpoints[(start + i) % endpoints.size()];
    if (endpoint.get() == avoided || (!all_count && endpoint->IsEjected(now))) continue;
    const int under_way = endpoint->under_way();
    if (best == nullptr || under_way < fewest) {
      best = &endpoint;
      fewest = under_way;
    }
  }
  if (best == nullptr && !endpoints.empty()) best = &endpoints[start % endpoints.size()];
  return best;
}

struct VersionView {
  std::int64_t version = 0;
  int weight = 0;
  std::vector<std::shared_ptr<LiveEndpoint>> endpoints;
  std::shared_ptr<VersionStatistics> statistics;
  std::shared_ptr<ShadowStatistics> shadow_statistics;
  std::shared_ptr<WeightedChoice> shadow;  // null: no copies; index 0 is "copy"

  [[nodiscard]] const std::shared_ptr<LiveEndpoint>* Pick(std::size_t start, Moment now,
                                                          const LiveEndpoint* avoided) const {
    return PickOf(endpoints, start, now, avoided);
  }
};

// Of a ModelDeployment, for as long as tables name it.
struct LiveDeployment {
  std::atomic<int> held{0};
  std::atomic<std::int64_t> held_bytes{0};
  std::atomic<std::int64_t> held_total{0};    // requests that have waited
  std::atomic<std::int64_t> hold_refused{0};  // 503 as too many wait
  std::atomic<std::int64_t> hold_expired{0};  // 503 as none came in time
  std::atomic<std::int64_t> bad_requests{0};  // refused by the router: 4xx, 5xx of its own
  std::atomic<std::int64_t> unauthorized{0};  // of these, those without a token that holds
};

struct DeploymentView {
  std::string name;
  std::string resource_version;
  std::uint16_t port = 0;
  std::uint16_t grpc_port = 0;  // 0: none
  std::chrono::milliseconds timeout{0};
  HoldBounds hold;
  std::string shadow_output;
  std::optional<double> shadow_threshold;
  std::vector<VersionView> versions;
  std::shared_ptr<WeightedChoice> choice;  // indexes versions; null: no weights
  std::shared_ptr<LiveDeployment> live;
  EdgeView edge;

  [[nodiscard]] const VersionView* Find(std::int64_t version) const;
};

struct LiveRoutes {
  std::vector<std::shared_ptr<const DeploymentView>> deployments;  // by port, ascending
  [[nodiscard]] std::shared_ptr<const DeploymentView> OfPort(std::uint16_t port) const;
};

// Makes each LiveRoutes from a table and the one before. One thread at a time.
class RouteBuilder {
 public:
  // `writers`: who write statistics, a shard each.
  RouteBuilder(std::size_t writers, std::uint64_t seed) : writers_(writers), seed_(seed) {}
  // `ejected`: the versions that get no weight, by deployment, whatever the table says.
  [[nodiscard]] std::shared_ptr<const LiveRoutes> Build(
      const RouteTable& table, const std::map<std::string, std::int64_t>& ejected,
      const Credentials& credentials);
  // Endpoints that no table names and that still have requests.
  struct Draining {
    std::string deployment;
    std::int64_t version;
    Endpoint endpoint;
    int in_flight;
  };
  [[nodiscard]] std::vector<Draining> StillDraining();

 private:
  using VersionKey = std::pair<std::string, std::int64_t>;
  struct VersionMemory {
    std::shared_ptr<VersionStatistics> statistics;
    std::shared_ptr<ShadowStatistics> shadow_statistics;
    std::shared_ptr<WeightedChoice> shadow;
    std::map<std::string, std::shared_ptr<LiveEndpoint>> endpoints;
  };
  struct DeploymentMemory {
    std::shared_ptr<WeightedChoice> choice;
    std::vector<std::int64_t> chosen_among;
    std::shared_ptr<LiveDeployment> live;
  };

  [[nodiscard]] VersionView View(const std::string& deployment, const VersionRoute& route);
  [[nodiscard]] std::shared_ptr<DeploymentView> View(const DeploymentRoute& route,
                                                     std::int64_t ejected);
  void Choose(DeploymentView* view);
  void Forget(const RouteTable& table);

  const std::size_t writers_;
  const std::uint64_t seed_;
  std::map<VersionKey, VersionMemory> versions_;
  std::map<std::string, DeploymentMemory> deployments_;
  std::vector<std::pair<VersionKey, std::shared_ptr<LiveEndpoint>>> draining_;
};

}  // namespace penstock::router
