// Busy polling: a thread that has just worked looks for more for a moment before it sleeps. To wake
// a sleeping processor takes tens of microseconds on a virtual machine, longer than a small model.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

namespace penstock::serve {

// Whether to look once more before sleeping. After a look that found nothing the next one is left
// out, then three, seven, at most 63: where requests are far apart, looking costs next to nothing.
class PollBackoff {
 public:
  // Asked before each sleep.
  [[nodiscard]] bool Looks();
  // What the look came to.
  void Found(bool work);

 private:
  static constexpr unsigned kMostLeftOut = 63;
  unsigned after_miss_ = 0;  // looks left out after the last one
  unsigned left_out_ = 0;    // of them still to come
};

// False with PENSTOCK_BUSY_POLL=OFF: RunBusyPolling never looks then.
[[nodiscard]] bool BusyPollingIsBuilt();

// Runs `context` on this thread until it is stopped, looking for `moment` before it sleeps; others
// that want the processor get it meanwhile. 0 is `context.run()`.
void RunBusyPolling(boost::asio::io_context& context, std::chrono::microseconds moment);

}  // namespace penstock::serve
