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
  if (*outcome) queue_.Add(key, **outcome);
}

void Workers::OnError(const std::string& key, const Error& error) {
  switch (error.kind) {
    case ErrorKind::kCancelled:  // we are being stopped
    case ErrorKind::kGone:
      return;
    case ErrorKind::kConflict:  // read anew already; nothing worth a line
    case ErrorKind::kExpired:
      break;
    case ErrorKind::kTransient:
    case ErrorKind::kOverloaded:
    case ErrorKind::kQuota:
    case ErrorKind::kNoSpace:
    case ErrorKind::kDeadline:
      if (error.retry_after) {
        queue_.Add(key, *error.retry_after);
        return;
      }
      [[fallthrough]];
    case ErrorKind::kNotFound:
    case ErrorKind::kAlreadyExists:
      hooks_.log("info", name_ + " " + key + ": " + error.message + "; tried again");
      break;
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
    case ErrorKind::kUnsupported:
    case ErrorKind::kForbidden:
    case ErrorKind::kUntrusted:
    case ErrorKind::kDamaged:
    case ErrorKind::kInternal:
      hooks_.log("error", name_ + " " + key + ": " + error.message + "; tried again");
      break;
  }
  queue_.AddAfterFailure(key);
}

}  // namespace penstock::runtime
