// One process at a time leads, by a Lease.
//
//   standby --lease free or silent for its duration--> leading --renewed each 2 s--> leading
//      ^                                                  |   \--10 s without renewal--> lost
//      +--- another holds it                              +--stopped: work ended, lease released
//
// A lease does not fence: a write that was on its way when leadership was lost may still land. So
// writes also carry resource versions or deterministic names, and LeaderGuardedClient refuses those
// that begin afterwards, also in a process that was frozen and has only just woken up.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/kube/forwarding_client.h"

namespace penstock::runtime {

struct LeaderSettings {
  std::string ns;
  std::string name = "penstock-operator";
  std::string identity;  // unique to the process: pod name and a random part
  std::chrono::milliseconds lease{15'000};
  std::chrono::milliseconds renew_deadline{10'000};
  std::chrono::milliseconds retry{2'000};
};

// Invalid unless lease > renew_deadline > 1.2 x retry and all names are given.
[[nodiscard]] Result<void> CheckLeaderSettings(const LeaderSettings& settings);

class LeaderElector {
 public:
  enum class End : std::uint8_t {
    kStopped,  // by the stop token; the lease is released if it was held
    kLost,     // held, and not renewed in time: the process should end
  };
  // Work that leads; must end soon after its token is used. It may write only until it returns.
  using Work = std::function<void(std::stop_token)>;
  // Told of what goes wrong or changes hands; for the log.
  using Note = std::function<void(const std::string&)>;

  // `client` and `clock` must outlive the elector.
  LeaderElector(kube::Client& client, LeaderSettings settings, const Clock& clock, Note note = {});

  // Waits for leadership, runs `work` while it lasts, and returns when that is over. Call once.
  [[nodiscard]] End Run(std::stop_token stop, const Work& work);

  // True while the last renewal is younger than the renew deadline by the steady clock. Any thread.
  [[nodiscard]] bool IsLeading() const;

  // One attempt to get or keep the lease: true when it is ours afterwards, false when another's.
  [[nodiscard]] Result<bool> TryOnce(std::chrono::milliseconds timeout, std::stop_token stop);
  // Gives the lease up: holder empty, duration one second. Retries conflicts.
  [[nodiscard]] Result<void> Release();

 private:
  using Steady = std::chrono::steady_clock::time_point;
  [[nodiscard]] Result<bool> Write(const Json* current, Steady begun, const kube::Call& call);
  [[nodiscard]] bool HeldByOther(const Json& lease, Steady now);
  // Waits; false when stopped.
  [[nodiscard]] bool Acquire(std::stop_token stop);
  // Renews until stopped or lost.
  [[nodiscard]] End Keep(std::stop_token stop);
  void Tell(const std::string& what) const;

  kube::Client& client_;
  const LeaderSettings settings_;
  const Clock& clock_;
  const Note note_;
  // What was last seen of another's lease, and when by our own clock: skew does not matter.
  std::string seen_version_;
  std::string seen_holder_;
  Steady seen_at_{};
  std::atomic<std::int64_t> led_until_{0};  // steady nanoseconds; 0 = not leading
};

// Passes reads on always and writes only while `leading()`; a write refused so is kCancelled.
class LeaderGuardedClient : public kube::ForwardingClient {
 public:
  LeaderGuardedClient(kube::Client& client, std::function<bool()> leading)
      : ForwardingClient(client), leading_(std::move(leading)) {}

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType& type) override;
  // Before a repetition too: a server's Retry-After may outlast the lease.
  [[nodiscard]] kube::Call Adapted(std::string_view write, const kube::Call& call) const override;

 private:
  const std::function<bool()> leading_;
};

}  // namespace penstock::runtime
