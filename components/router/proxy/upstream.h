// Connections to endpoints, kept open between requests. A worker has its own; one thread.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "components/router/proxy/live_routes.h"
#include "components/router/proxy/poller.h"
#include "components/router/proxy/stream.h"

namespace penstock::router {

// Who uses a connection at the moment.
class UpstreamUser {
 public:
  virtual ~UpstreamUser() = default;
  // The stream's flags have changed; the user may give the connection back, or itself up.
  virtual void OnUpstream() = 0;
};

class UpstreamPool;

struct UpstreamConnection final : public Pollable {
  UpstreamConnection(int fd, UpstreamPool* of, std::shared_ptr<LiveEndpoint> to)
      : stream(fd), pool(of), endpoint(std::move(to)) {}
  void OnEvents(std::uint32_t events) override;

  Stream stream;
  UpstreamPool* const pool;
  const std::shared_ptr<LiveEndpoint> endpoint;
  UpstreamUser* user = nullptr;  // null: idle
  bool connected = false;
  bool reused = false;
  Moment idle_since = 0;
};

class UpstreamPool {
 public:
  explicit UpstreamPool(Poller* poller) : poller_(poller) {}

  // A connection for `user`, counted as under way with the endpoint; still connecting, maybe. An
  // idle one unless `fresh`. Null: not even a socket could be had, or the address is out of reach.
  [[nodiscard]] UpstreamConnection* Acquire(const std::shared_ptr<LiveEndpoint>& endpoint,
                                            UpstreamUser* user, bool fresh);
  // `reusable`: the server has answered whole and keeps it open.
  void Release(UpstreamConnection* connection, bool reusable, Moment now);
  // An idle one spoke or closed: nothing that it could say is awaited.
  void IdleEnded(UpstreamConnection* connection);
  // Closes what has been idle for long, or leads where no table leads any more.
  void Sweep(Moment now);
  // Ended connections are destroyed between rounds of events.
  void Bury() { dead_.clear(); }
  [[nodiscard]] std::size_t idle() const;

 private:
  [[nodiscard]] UpstreamConnection* Connect(const std::shared_ptr<LiveEndpoint>& endpoint);
  void End(UpstreamConnection* connection);

  Poller* const poller_;
  std::unordered_map<UpstreamConnection*, std::unique_ptr<UpstreamConnection>> open_;
  // By endpoint, the one used last at the back.
  std::unordered_map<LiveEndpoint*, std::vector<UpstreamConnection*>> idle_;
  std::vector<std::unique_ptr<UpstreamConnection>> dead_;
};

}  // namespace penstock::router
