// SIGTERM, SIGINT and SIGCHLD as events of the main thread.
//
// Made before any other thread, so that all inherit the blocked mask: a blocked signal is kept for
// process 1 too, which the kernel otherwise spares every signal that it has no handler for.
#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include "operator/base/result.h"

namespace penstock::launcher {

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Waits for a signal until `deadline`; 0 when none came. `other_fd` (or -1) ends the wait too.
  [[nodiscard]] int Wait(std::chrono::steady_clock::time_point deadline, int other_fd = -1);

 private:
  sigset_t before_{};
  int fd_ = -1;
};

// Runs `work` on a thread of its own while signals are watched. A SIGTERM or SIGINT stops `stop`
// and gives kCancelled within a second, whether the work has ended by then or not: then it is left
// behind, and the process must end by _exit. What `work` uses must outlive the process's end.
[[nodiscard]] Result<void> RunInterruptibly(Signals& signals, std::stop_source& stop,
                                            std::function<Result<void>()> work);

}  // namespace penstock::launcher
