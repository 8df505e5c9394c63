#include "components/serve/http/busy_poll.h"

#include <sched.h>

#include <algorithm>

namespace penstock::serve {

bool PollBackoff::Looks() {
  if (left_out_ == 0) return true;
  --left_out_;
  return false;
}

void PollBackoff::Found(bool work) {
  after_miss_ = work ? 0 : std::min(kMostLeftOut, 2 * after_miss_ + 1);
  left_out_ = after_miss_;
}

bool BusyPollingIsBuilt() { return true; }

void RunBusyPolling(boost::asio::io_context& context, std::chrono::microseconds moment) {
  using Clock = std::chrono::steady_clock;
  if (moment.count() == 0) {
    context.run();
    return;
  }
  PollBackoff backoff;
  while (!context.stopped()) {
    if (context.poll() > 0) continue;
    bool found = false;
    if (backoff.Looks()) {
      const auto end = Clock::now() + moment;
      do {
        sched_yield();
        found = context.poll() > 0;
      } while (!found && Clock::now() < end);
      backoff.Found(found);
    }
    if (!found) context.run_one();  // sleeps
  }
}

}  // namespace penstock::serve
