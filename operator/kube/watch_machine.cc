#include "operator/kube/watch_machine.h"

#include <algorithm>
#include <utility>

namespace penstock::kube {
namespace {

// A watch that ends at once without a word is an error, however politely it ended.
constexpr std::chrono::milliseconds kTooShort{1000};

}  // namespace

WatchMachine::Plan WatchMachine::Next() {
  Plan plan;
  plan.pause = std::exchange(pause_, std::chrono::milliseconds{0});
  if (watching_) {
    plan.step = Step::kWatch;
    plan.resource_version = version_;
  } else if (streaming_) {
    plan.step = Step::kStream;
  } else {
    plan.step = Step::kPage;
    plan.continue_token = continue_;
    plan.limit = whole_list_ ? 0 : page_size_;
  }
  return plan;
}

void WatchMachine::Restart() {
  watching_ = false;
  restarted_ = true;
  version_.clear();
  continue_.clear();
}

bool WatchMachine::TakeRestarted() { return std::exchange(restarted_, false); }

void WatchMachine::PauseAfter(const Error& error, SteadyTime now) {
  pause_ = std::max(backoff_.Next(now), error.retry_after.value_or(std::chrono::milliseconds{0}));
}

bool WatchMachine::OnPage(const std::string& resource_version, const std::string& continue_token) {
  continue_ = continue_token;
  if (!continue_.empty()) return false;
  whole_list_ = false;
  watching_ = true;
  version_ = resource_version;
  return true;
}

void WatchMachine::OnPageError(const Error& error, SteadyTime now) {
  const bool later_page = !continue_.empty();
  if (error.kind == ErrorKind::kExpired) {
    // The pages' version was compacted away; without pages there is nothing to expire.
    whole_list_ = true;
    Restart();
    if (!later_page) PauseAfter(error, now);
    return;
  }
  if (!PassesByItself(error.kind)) Restart();
  PauseAfter(error, now);
}

void WatchMachine::OnVersion(const std::string& resource_version) {
  if (watching_ && !resource_version.empty()) version_ = resource_version;
}

void WatchMachine::OnInitialEventsEnd(const std::string& resource_version) {
  watching_ = true;
  version_ = resource_version;
}

void WatchMachine::OnWatchEnd(const Result<void>& outcome, std::chrono::milliseconds lasted,
                              std::uint64_t events, SteadyTime now) {
  if (!watching_) {
    // A streaming list that did not come to its end: the server may not know it, so list instead.
    const bool refused = outcome || outcome.error().kind == ErrorKind::kInvalid ||
                         outcome.error().kind == ErrorKind::kExpired;
    if (refused) streaming_ = false;
    Restart();
    if (!refused) PauseAfter(outcome.error(), now);
    return;
  }
  if (outcome) {
    if (lasted < kTooShort && events == 0) PauseAfter(Transient("watch ended at once"), now);
    return;
  }
  const ErrorKind kind = outcome.error().kind;
  if (!PassesByItself(kind) && kind != ErrorKind::kCancelled) Restart();
  // A server that expires every watch at once must not be listed in a loop.
  if (kind == ErrorKind::kExpired && (events > 0 || lasted >= kTooShort)) return;
  PauseAfter(outcome.error(), now);
}

}  // namespace penstock::kube
