#include "components/router/proxy/upstream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace penstock::router {

namespace {

constexpr std::size_t kMostIdle = 512;  // of one endpoint
// Shorter than servers wait (75 s ours), so that they seldom close under a request.
constexpr Moment kIdleTime = 20'000;

}  // namespace

void UpstreamConnection::OnEvents(std::uint32_t events) {
  if (!stream.is_open()) return;  // ended earlier in this round
  stream.Note(events);
  if (user != nullptr) {
    user->OnUpstream();
  } else if (stream.readable() || stream.ended()) {
    pool->IdleEnded(this);
  }
}

UpstreamConnection* UpstreamPool::Acquire(const std::shared_ptr<LiveEndpoint>& endpoint,
                                          UpstreamUser* user, bool fresh) {
  UpstreamConnection* connection = nullptr;
  const auto found = idle_.find(endpoint.get());
  if (!fresh && found != idle_.end() && !found->second.empty()) {
    connection = found->second.back();
    found->second.pop_back();
    connection->reused = true;
  } else {
    connection = Connect(endpoint);
  }
  if (connection == nullptr) return nullptr;
  connection->user = user;
  endpoint->in_flight.fetch_add(1, std::memory_order_relaxed);
  return connection;
}

UpstreamConnection* UpstreamPool::Connect(const std::shared_ptr<LiveEndpoint>& endpoint) {
  const auto* address = reinterpret_cast<const sockaddr*>(&endpoint->address);
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  auto connection = std::make_unique<UpstreamConnection>(fd, this, endpoint);
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, address, endpoint->address_size) != 0 && errno != EINPROGRESS) return nullptr;
  if (!poller_->Add(fd, connection.get())) return nullptr;
  UpstreamConnection* const raw = connection.get();
  open_.emplace(raw, std::move(connection));
  return raw;
}

void UpstreamPool::Release(UpstreamConnection* connection, bool reusable, Moment now) {
  connection->user = nullptr;
  connection->endpoint->in_flight.fetch_sub(1, std::memory_order_relaxed);
  const bool quiet = !connection->stream.readable() && !connection->stream.ended();
  if (reusable && quiet && connection->endpoint->listed.load(std::memory_order_relaxed)) {
    auto& idle = idle_[connection->endpoint.get()];
    if (idle.size() < kMostIdle) {
      connection->idle_since = now;
      idle.push_back(connection);
      return;
    }
  }
  End(connection);
}

void UpstreamPool::IdleEnded(UpstreamConnection* connection) {
  auto& idle = idle_[connection->endpoint.get()];
  idle.erase(std::remove(idle.begin(), idle.end(), connection), idle.end());
  End(connection);
}

void UpstreamPool::End(UpstreamConnection* connection) {
  connection->stream.Close();
  const auto found = open_.find(connection);
  dead_.push_back(std::move(found->second));
  open_.erase(found);
}

void UpstreamPool::Sweep(Moment now) {
  for (auto& [endpoint, idle] : idle_) {
    // Ended one by one from the front: the oldest stand there.
    std::size_t old = 0;
    while (old < idle.size() &&
           (now - idle[old]->idle_since > kIdleTime || !endpoint->listed.load()))
      End(idle[old++]);
    idle.erase(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(old));
  }
  std::erase_if(idle_, [](const auto& one) { return one.second.empty(); });
}

std::size_t UpstreamPool::idle() const {
  std::size_t count = 0;
  for (const auto& [endpoint, idle] : idle_) count += idle.size();
  return count;
}

}  // namespace penstock::router
