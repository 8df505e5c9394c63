// Holds ParseManifests against the kubectl that is there. Skipped where there is no cluster:
// kubectl asks it for the kinds, even for a dry run, so crds/ is applied to it first.
#include <gtest/gtest.h>

#include <cstdlib>

#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "tests/integration/crds/kubectl.h"

namespace penstock::api {
namespace {

using tests::Outcome;

class AgainstKubectl : public testing::TestWithParam<const char*> {
  void SetUp() override {
    if (std::getenv("KUBECONFIG") == nullptr)
      GTEST_SKIP() << "KUBECONFIG is not set: kubectl is not asked";
    static const Outcome installed = tests::InstallCrds(PENSTOCK_SOURCE_DIR "/crds");
    ASSERT_EQ(installed.exit_code, 0) << installed.out;
  }
};

TEST_P(AgainstKubectl, ReadsTheFileAsKubectlDoes) {
  const std::string file = std::string(PENSTOCK_SOURCE_DIR) + "/" + GetParam();
  const Outcome theirs =
      tests::Kubectl({"create", "--dry-run=client", "--validate=false", "-o", "json", "-f", file});
  ASSERT_EQ(theirs.exit_code, 0) << theirs.out;
  const auto ours = ParseManifests(ReadFile(file).value(), file);
  ASSERT_TRUE(ours) << ours.error().message;
  Json want = Json::parse(theirs.out);
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
