// The keys of webhooks' triggers, read from the Secrets that their Pipelines name, with the right
// that somebody has given for each of them. Remembered for ten seconds, also that there is none, so
// that strangers cannot have the API server asked more than a bounded number of times. What is
// asked for addresses that had a key within a day is counted apart: a day of strangers does not
// keep them from being asked for. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/time.h"
#include "operator/gateway/review_cache.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

struct HookAddress {
  std::string ns, pipeline, trigger;
};

// Tells those of the namespace that a trigger of theirs cannot be used, and why: an event of the
// Pipeline, which is handed over as it was read.
using TellOfHook = std::function<void(const Json& pipeline, const std::string& what)>;

class HookKeys {
 public:
  static constexpr std::chrono::seconds kLifetime{10};
  static constexpr std::chrono::hours kKnown{24};  // that an address with a key is one
  static constexpr double kAsksPerSecond = 20;  // of what is not remembered, and so of known ones
  static constexpr double kBurst = 40;

  // All must outlive it.
  HookKeys(kube::Client& client, const Clock& clock, TellOfHook tell)
      : client_(client), clock_(clock), tell_(std::move(tell)), keys_(clock), known_(clock) {}

  // The key; nothing where there is no such trigger, or no key that may be read and used.
  // kOverloaded where too much that is not remembered was asked for, kTransient where the API
  // server does not answer.
  [[nodiscard]] Result<std::optional<std::string>> KeyOf(const HookAddress& address,
                                                         const std::stop_token& stop);

 private:
  struct Bucket {
    double room = kBurst;  // questions that may be asked at once
    std::chrono::steady_clock::time_point counted{};
  };
  [[nodiscard]] bool MayAsk(Bucket& bucket);
  [[nodiscard]] Result<std::optional<std::string>> Read(const HookAddress& address,
                                                        const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const TellOfHook tell_;
  ReviewCache<std::optional<std::string>> keys_;
  ReviewCache<bool> known_;  // addresses that had a key
  std::mutex mutex_;
  Bucket of_strangers_, of_known_;
};

}  // namespace penstock::gateway
