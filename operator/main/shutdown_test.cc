// The end of the whole program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/main/testing/fake_api_server.h"
#include "operator/os/child_process.h"

namespace penstock::main {
namespace {

namespace fs = std::filesystem;

class Shutdown : public ::testing::Test {
 protected:
  Shutdown() {
    std::string name = (fs::temp_directory_path() / "penstock-shutdown-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ / "kubeconfig")
        << "clusters: [{name: c, cluster: {server: '" << api_.url() << "'}}]\n"
        << "contexts: [{name: x, context: {cluster: c, namespace: system}}]\n"
        << "current-context: x\n";
  }
  ~Shutdown() override {
    if (HasFailure())
      std::cerr << ReadFile(folder_ / "log").value_or("no log") << "\nasked:\n" << api_.Asked();
    static_cast<void>(artifacts::RemoveTree(folder_));
  }

  FakeApiServer api_;
  fs::path folder_;
};

TEST_F(Shutdown, EndsWithinFiveSecondsOfSigtermAndGivesTheLeaseBackWhileFetchesHang) {
  ChildOptions options;
  options.argv = {PENSTOCK_OPERATOR,    "--leader-elect",
                  "--data-dir",         (folder_ / "data").string(),
                  "--kubeconfig",       (folder_ / "kubeconfig").string(),
                  "--gateway-address",  "127.0.0.1",
                  "--gateway-port",     "0",
                  "--metrics-port",     "0",
                  "--gateway-url",      "https://gateway.example:8443",
                  "--launcher-image",   "penstock/launcher:test",
                  "--serve-image",      "penstock/serve:test",
                  "--components-image", "penstock/components:test",
                  "--git-image",        "penstock/git:test"};
  options.log = folder_ / "log";
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child) << child.error().message;
  api_.AwaitHangingRead();
  EXPECT_NE(api_.Holder(), "");
  const auto begin = std::chrono::steady_clock::now();
  child->Terminate();
  const auto exit = child->Wait(std::chrono::seconds(30));
  ASSERT_TRUE(exit) << "it does not end";
  EXPECT_EQ(exit->ExitCode(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(api_.Holder(), "") << "the lease is still held";
}

}  // namespace
}  // namespace penstock::main
