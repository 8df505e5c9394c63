// A pod's volumes as folders of this machine. Functions; they touch the pod's folder and the client
// only. Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/local/pod_environment.h"
#include "operator/local/pod_launch.h"

namespace penstock::local {

// A path in the pod and what stands for it here.
struct Mount {
  std::string inside;
  std::filesystem::path outside;
};

struct PodVolumes {
  std::vector<Mount> rewritten;  // the operator's own, the longest path first
  std::vector<OwnMount> mounts;  // the step's
  std::vector<std::filesystem::path> scratch;
};

// Why a local run cannot have a volume of this kind, or "".
[[nodiscard]] std::string WhyNotLocally(const Json& volume);

// Writes the files of the pod's volumes. Secrets are the client's, or variables of `host`
// (pod_environment.h), and readable by the user alone. Errors name the volume.
[[nodiscard]] Result<PodVolumes> WriteVolumes(const PodPaths& paths, const Json& pod,
                                              const Json& container, const Environment& host,
                                              kube::Client& client);

// Removes what the pods of a run that was killed left in the state folder: volumes that hold
// Secrets, emptyDirs, and those that were made for a run. Only while no run is at work there.
void RemoveLeftovers(const std::filesystem::path& state);

}  // namespace penstock::local
