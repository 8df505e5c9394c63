// The route table in use: what workers look up with each request, and what outlives a change of the
// table (counters, connections under way, ejections).
//
// A LiveRoutes is immutable and replaced as a whole; what it points to by shared_ptr is shared by
// successive tables and written by all workers, atomically.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

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

struct LiveEndpoint {
  explicit LiveEndpoint(const Endpoint& at);
  const Endpoint where;
  sockaddr_storage address{};
  socklen_t address_size = 0;
  std::atomic<bool> listed{true};  // false: no table names it any more
  std::atomic<int> in_flight{0};
  std::atomic<int> copies{0};  // of those, the copies for a shadow: nobody waits for them

  // Outliers: an endpoint that cannot be reached, or fails five times on end, gets nothing for a
  // second, twice as long each time up to a minute; an answer makes it whole again.
  [[nodiscard]] bool IsEjected(Moment now) const { return now < ejected_until; }
  void Failed(bool unreachable, Moment now);
  void Answered();
  std::atomic<int> failures{0};
  std::atomic<int> ejections{0};
  std::atomic<Moment> ejected_until{0};
};

struct VersionView {
  std::int64_t version = 0;
  int weight = 0;
  std::vector<std::shared_ptr<LiveEndpoint>> endpoints;
  std::shared_ptr<VersionStatistics> statistics;
  std::shared_ptr<ShadowStatistics> shadow_statistics;
  std::shared_ptr<WeightedChoice> shadow;  // null: no copies; index 0 is "copy"

  // The endpoint with the fewest requests under way, from `start` on where several have; not
  // `avoided` if there is another, not an ejected one unless all of them are. Null: none.
  [[nodiscard]] const std::shared_ptr<LiveEndpoint>* Pick(std::size_t start, Moment now,
                                                          const LiveEndpoint* avoided) const;
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
  RouteBuilder(std::size_t workers, std::uint64_t seed) : workers_(workers), seed_(seed) {}
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

  const std::size_t workers_;
  const std::uint64_t seed_;
  std::map<VersionKey, VersionMemory> versions_;
  std::map<std::string, DeploymentMemory> deployments_;
  std::vector<std::pair<VersionKey, std::shared_ptr<LiveEndpoint>>> draining_;
};

}  // namespace penstock::router
