// Listens on a port for each ModelDeployment and hands connections to the workers, each to the one
// that has the fewest. A thread of its own, which sleeps but for accepting.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "components/router/proxy/worker.h"
#include "operator/base/result.h"

namespace penstock::router {

class Acceptor {
 public:
  // The workers outlive it.
  Acceptor(std::string address, int most_connections, std::vector<Worker*> workers);
  ~Acceptor();  // stops listening and joins
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  [[nodiscard]] Result<void> Start();
  // Listens on these ports and no others. What could not be bound is returned, by port, with why,
  // and tried again with the next call.
  [[nodiscard]] std::map<std::uint16_t, std::string> Listen(
      const std::vector<std::uint16_t>& ports);
  void StopListening();
  [[nodiscard]] std::int64_t turned_away() const { return turned_away_; }

 private:
  [[nodiscard]] Result<int> Bind(std::uint16_t port) const;
  void Run();
  void AcceptAll(int listener, std::uint16_t port);
  void Hand(int fd, std::uint16_t port);

  const std::string address_;
  const int most_connections_;
  const std::vector<Worker*> workers_;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> turned_away_{0};
  std::mutex mutex_;
  std::map<std::uint16_t, int> listeners_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock::router
