// What a release has stored, in a folder: written by an engine of that release, read by tests of
// every later one.
#pragma once

#include <filesystem>
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/client.h"
#include "operator/local/memory_cluster.h"

namespace penstock::upgrade {

struct KeptObject {
  kube::ResourceType type;
  Json object;
};

// The folders of releases, oldest first.
[[nodiscard]] std::vector<std::filesystem::path> Releases();

// objects.json of the folder; a failure of the test where it cannot be read.
[[nodiscard]] std::vector<KeptObject> ReadObjects(const std::filesystem::path& folder);
void WriteObjects(local::MemoryCluster& cluster, const std::filesystem::path& folder);

}  // namespace penstock::upgrade
