// The data plane as a whole: workers, the ports they are reached by, and the table they go by.
//
//   Publish(table) --> RouteBuilder --> LiveRoutes --> every worker (Post) --> acknowledged
//
// Owns its threads. All methods from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "components/router/edge/credentials.h"
#include "components/router/observe/shadow_comparer.h"
#include "components/router/proxy/acceptor.h"
#include "components/router/proxy/front.h"
#include "components/router/proxy/limits.h"
#include "components/router/proxy/live_routes.h"
#include "components/router/proxy/worker.h"
#include "components/router/routing/route_table.h"
#include "operator/base/result.h"

namespace penstock::router {

struct RouterOptions {
  std::string address = "0.0.0.0";
  int threads = 1;
  Limits limits = {};
  std::uint64_t seed = 0;  // of this router's choices; routers differ in it
  // May be null. It writes the statistics' last shard, that of number `threads`.
  std::shared_ptr<Front> front = nullptr;
  // How often it is looked whether certificates and key sets have changed.
  std::chrono::milliseconds look_every{1'000};
  KeyFetcherOptions keys = {};  // of tokens' issuers that publish them at a URL
};

struct Ejected {
  std::int64_t version = 0;
  std::string why;
  int weight = 0;  // that the table gave it then
};

class Router {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Router>> Start(const RouterOptions& options);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // All workers go by it when this returns: no later request goes by an older one.
  void Publish(std::shared_ptr<const RouteTable> table);
  // A version gets no weight from now on, until the table gives it another weight or leaves it out.
  void Eject(const std::string& deployment, std::int64_t version, const std::string& why);

  // New connections are taken still, but each answer says that its connection ends.
  void CloseAfterAnswers();
  // No new connections; idle ones are closed. False: requests are open after `limit`.
  [[nodiscard]] bool Finish(std::chrono::milliseconds limit);

  // For observations: the routes in use, where listening failed (by deployment, why), versions
  // ejected, endpoints that still have requests though no table names them.
  struct Picture {
    std::shared_ptr<const LiveRoutes> routes;
    std::shared_ptr<const RouteTable> table;  // null: none yet
    std::map<std::string, std::string> not_listening;
    std::map<std::string, Ejected> ejected;
    std::vector<RouteBuilder::Draining> draining;
    int connections = 0;
    int requests = 0;
    std::int64_t turned_away = 0;
    bool speaks_grpc = false;
  };
  [[nodiscard]] Picture Look();

 private:
  explicit Router(const RouterOptions& options);
  void Apply();
  void LookAtCredentials(const std::stop_token& stop, std::chrono::milliseconds every);
  void ForgetEjections();

  ShadowComparer comparer_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Acceptor> acceptor_;
  const std::shared_ptr<Front> front_;                // null: HTTP alone
  std::mutex mutex_;                                  // held while a table is put in use
  std::condition_variable_any stopped_;               // nobody tells it: a stop wakes it
  RouteBuilder builder_;                              // guarded by mutex_
  Credentials credentials_;                           // guarded by mutex_
  std::shared_ptr<const RouteTable> table_;           // guarded by mutex_
  std::shared_ptr<const LiveRoutes> routes_;          // guarded by mutex_
  std::map<std::string, std::string> not_listening_;  // guarded by mutex_
  std::map<std::string, Ejected> ejected_;            // guarded by mutex_
  bool finishing_ = false;                            // guarded by mutex_
  std::jthread looks_;                                // for other certificates and keys
};

}  // namespace penstock::router
