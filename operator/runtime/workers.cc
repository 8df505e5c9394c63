#include "operator/runtime/workers.h"

#include <exception>
#include <utility>

namespace penstock::runtime {

Workers::Workers(std::string name, const Clock& clock, const WorkerHooks& hooks,
                 Reconcile reconcile)
    : name_(std::move(name)),
      clock_(clock),
      hooks_(hooks),
      reconcile_(std::move(reconcile)),
      queue_(clock) {}

Workers::~Workers() { Stop(); }

void Workers::Wake(const std::string& key, Milliseconds after) { queue_.Add(key, after); }

void Workers::Start(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

void Workers::Stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Workers::Work(const std::stop_token& stop) {
  while (auto key = queue_.Take(stop)) {
    const auto begin = clock_.Steady();
    const Outcome outcome = Guarded(*key);
    Settle(*key, outcome);
    queue_.Done(*key);
    hooks_.reconciled(name_, clock_.Steady() - begin,
                      !outcome   ? Name(outcome.error().kind)
                      : *outcome ? "requeue"
                                 : "success");
  }
}

Outcome Workers::Guarded(const std::string& key) const {
  try {
    return reconcile_(key);
  } catch (const std::exception& e) {
    return Internal(std::string("an exception left the reconcile, which is a bug: ") + e.what());
  }
}

void Workers::Settle(const std::string& key, const Outcome& outcome) {
  if (!outcome) return OnError(key, outcome.error());
  queue_.Forget(key);
  {
    const std::lock_guard lock(mutex_);
    told_.erase(key);
  }
  if (*outcome) queue_.Add(key, **outcome);
}

void Workers::Tell(const std::string& level, const std::string& key, const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    std::string& told = told_[key];
    if (told == message) return;
    told = message;
  }
  hooks_.log(level, name_ + " " + key + ": " + message + "; tried again");
}

void Workers::OnError(const std::string& key, const Error& error) {
  switch (error.kind) {
    // We are being stopped, and nobody takes a key any more; or nothing could be written for a
    // moment (a lease that is late), and whoever waits for it must not be forgotten.
    case ErrorKind::kCancelled:
    case ErrorKind::kGone:
    case ErrorKind::kConflict:  // read anew already
    case ErrorKind::kExpired:
      break;  // nothing worth a line
    case ErrorKind::kTransient:
    case ErrorKind::kOverloaded:
    case ErrorKind::kQuota:
    case ErrorKind::kWebhook:
    case ErrorKind::kNoSpace:
    case ErrorKind::kDeadline:
      if (error.retry_after) {
        queue_.Add(key, *error.retry_after);
        return;
      }
      [[fallthrough]];
    case ErrorKind::kNotFound:
    case ErrorKind::kAlreadyExists:
      Tell("info", key, error.message);
      break;
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
    case ErrorKind::kUnsupported:
    case ErrorKind::kForbidden:
    case ErrorKind::kUntrusted:
    case ErrorKind::kDamaged:
    case ErrorKind::kInternal:
      Tell("error", key, error.message);
      break;
  }
  queue_.AddAfterFailure(key);
}

}  // namespace penstock::runtime
