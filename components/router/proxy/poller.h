// epoll, edge-triggered, and the eventfd that wakes it. One thread but for Wake.
#pragma once

#include <cstdint>

#include "components/router/proxy/stream.h"
#include "operator/base/result.h"

namespace penstock::router {

class Poller {
 public:
  Poller() = default;
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  [[nodiscard]] Result<void> Open();
  // Until the descriptor is closed. False: the kernel has no room for it.
  [[nodiscard]] bool Add(int fd, Pollable* who);
  // Calls whoever has events, after at most `timeout` milliseconds.
  void Round(int timeout);
  void Wake();  // any thread

 private:
  static constexpr int kMostEvents = 256;
  int epoll_ = -1;
  int wake_ = -1;
};

}  // namespace penstock::router
