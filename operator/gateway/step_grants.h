// What a pod's token may read of its namespace: the pod of a step its own inputs (and code, and
// packages), by the task that stands in it; any other caller all of it. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/gateway/authenticator.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

// Whose task stands where in a pod (plan/attempt/pod_spec.h).
struct TaskPlaces {
  std::string annotation;
  std::string config_volume;  // of the ConfigMap with what the annotation has no room for
};

class StepGrants {
 public:
  // All must outlive it.
  StepGrants(kube::Client& client, const artifacts::Store& store, const Clock& clock,
             TaskPlaces places)
      : client_(client), store_(store), clock_(clock), places_(std::move(places)) {}

  // Whether the caller is a step's pod; kForbidden where its pod has gone.
  [[nodiscard]] Result<bool> IsStep(const Identity& caller, const std::stop_token& stop);
  // Whether the caller may read the blob: of a step's pod, an input or a file of one.
  [[nodiscard]] Result<bool> MayRead(const Identity& caller, const std::string& digest,
                                     const std::stop_token& stop);

 private:
  struct Reads {
    bool is_step = false;
    std::vector<ArtifactRef> artifacts;
    std::chrono::steady_clock::time_point until;
  };
  using Files = std::vector<std::array<std::uint8_t, 32>>;  // SHA-256, sorted

  [[nodiscard]] Result<std::shared_ptr<const Reads>> Of(const Identity& caller,
                                                        const std::stop_token& stop);
  [[nodiscard]] Result<Reads> Ask(const Identity& caller, const std::stop_token& stop) const;
  [[nodiscard]] Result<std::shared_ptr<const Files>> FilesOf(const std::string& ns,
                                                             const std::string& folder);
  [[nodiscard]] std::shared_ptr<const Files> KnownFiles(const std::string& key);  // or null

  kube::Client& client_;
  const artifacts::Store& store_;
  const Clock& clock_;
  const TaskPlaces places_;
  std::counting_semaphore<> turns_{4};  // to read a manifest: each may take 64 MB
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Reads>> reads_;  // by pod UID
  std::map<std::string, std::shared_ptr<const Files>> files_;  // by namespace and folder
  std::size_t held_ = 0;                                       // files of files_
};

}  // namespace penstock::gateway
