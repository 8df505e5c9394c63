// Holds ParseManifests against the kubectl that is there. Skipped where there is no cluster:
// kubectl asks it for the kinds, even for a dry run.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "operator/api/manifest.h"
#include "operator/base/file.h"

namespace penstock::api {
namespace {

std::string Kubectl() {
  const char* set = std::getenv("KUBECTL");
  return set != nullptr ? set : "kubectl";
}

// What kubectl writes for the file; empty when it refuses it.
std::string AsKubectlReadsIt(const std::string& file) {
  const std::string command =
      "'" + Kubectl() + "' create --dry-run=client --validate=false -o json -f '" + file + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    out.append(buffer.data(), n);
  return pclose(pipe) == 0 ? out : "";
}

class AgainstKubectl : public testing::TestWithParam<const char*> {
  void SetUp() override {
    if (std::getenv("KUBECONFIG") == nullptr)
      GTEST_SKIP() << "KUBECONFIG is not set: kubectl is not asked";
  }
};

TEST_P(AgainstKubectl, ReadsTheFileAsKubectlDoes) {
  const std::string file = std::string(PENSTOCK_SOURCE_DIR) + "/" + GetParam();
  const std::string theirs = AsKubectlReadsIt(file);
  ASSERT_NE(theirs, "") << "kubectl refused " << file << "; set KUBECTL to its path";
  const auto ours = ParseManifests(ReadFile(file).value(), file);
  ASSERT_TRUE(ours) << ours.error().message;
  Json want = Json::parse(theirs);
  Json got = ours->front().object;
  want["metadata"].erase("namespace");  // kubectl puts its own in
  got["metadata"].erase("namespace");
  EXPECT_EQ(got, want) << Json::diff(want, got).dump(1);
}

INSTANTIATE_TEST_SUITE_P(Files, AgainstKubectl,
                         testing::Values("operator/api/testdata/scalars.yaml",
                                         "examples/flights/pipeline.yaml",
                                         "examples/flights/modeldeployment.yaml",
                                         "crds/pipelines.penstock.dev.yaml"));

}  // namespace
}  // namespace penstock::api
