// The keys of webhooks' triggers, read from the Secrets that their Pipelines name, with the right
// that somebody has given for each of them. Remembered for ten seconds, also that there is none, so
// that strangers cannot have the API server asked more than a bounded number of times. Thread-safe.
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
  static constexpr double kAsksPerSecond = 20;  // of what is not remembered
  static constexpr double kBurst = 40;

  // All must outlive it.
  HookKeys(kube::Client& client, const Clock& clock, TellOfHook tell)
      : client_(client), clock_(clock), tell_(std::move(tell)), keys_(clock), room_(kBurst) {}

  // The key; nothing where there is no such trigger, or no key that may be read and used.
  // kOverloaded where too much that is not remembered was asked for, kTransient where the API
  // server does not answer.
  [[nodiscard]] Result<std::optional<std::string>> KeyOf(const HookAddress& address,
                                                         const std::stop_token& stop);

 private:
  [[nodiscard]] bool MayAsk();
  [[nodiscard]] Result<std::optional<std::string>> Read(const HookAddress& address,
                                                        const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const TellOfHook tell_;
  ReviewCache<std::optional<std::string>> keys_;
  std::mutex mutex_;
  double room_;  // questions that may be asked at once
  std::chrono::steady_clock::time_point counted_{};
};

}  // namespace penstock::gateway
