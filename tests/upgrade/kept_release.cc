#include "tests/upgrade/kept_release.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/file.h"
#include "operator/kube/resources.h"

namespace penstock::upgrade {
namespace {

namespace fs = std::filesystem;

const std::vector<kube::ResourceType> kTypes = {
    kube::kPipelines,        kube::kPipelineRuns, kube::kComponents,
    kube::kModelDeployments, kube::kPods,         kube::kControllerRevisions,
    kube::kConfigMaps,       kube::kDeployments,  kube::kServices};

}  // namespace

std::vector<fs::path> Releases() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(PENSTOCK_TEST_SOURCE_DIR))
    if (fs::exists(entry.path() / "objects.json")) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<KeptObject> ReadObjects(const fs::path& folder) {
  std::vector<KeptObject> objects;
  const auto text = ReadFile(folder / "objects.json");
  EXPECT_TRUE(text) << (text ? "" : text.error().message);
  const auto kept = text ? ParseJson(*text, "objects.json") : Result<Json>(Json::object());
  EXPECT_TRUE(kept) << (kept ? "" : kept.error().message);
  for (const auto& type : kTypes)
    for (const Json& object : kept->value(std::string(type.plural), Json::array()))
      objects.push_back({type, object});
  return objects;
}

void WriteObjects(local::MemoryCluster& cluster, const fs::path& folder) {
  Json kept;
  for (const auto& type : kTypes) {
    auto page = cluster.List(type, "", {});
    ASSERT_TRUE(page) << page.error().message;
    kept[std::string(type.plural)] = page->items;
  }
  ASSERT_TRUE(WriteFileAtomically(folder / "objects.json", kept.dump(1) + "\n"));
}

}  // namespace penstock::upgrade
