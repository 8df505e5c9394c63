// A session that reaches a cluster: the API in memory, the operator's engine, pods that are
// processes of this machine. For tests of whole commands.
#pragma once

#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/local_cluster.h"
#include "operator/cli/objects/manifest_files.h"
#include "operator/cli/testing/cli_fixture.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"

namespace penstock::cli {

class PassingClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
};

class ClusterTest : public CliTest {
 protected:
  ClusterTest() : nodes_(folder_ / "nodes") {
    EXPECT_TRUE(nodes_.Create());
    const auto library = LoadLibrary(session_);
    EXPECT_TRUE(library) << (library ? "" : library.error().message);
    LocalOptions options;
    options.isolation = local::Isolation::kProcess;
    auto made = LocalCluster::Make(session_, nodes_, *library, options);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    cluster_ = *std::move(made);
    cluster_->Start();
    session_.connect = [this](const GlobalFlags& flags) -> Result<Cluster> {
      Cluster cluster;
      cluster.client = std::make_unique<PassingClient>(cluster_->client());
      cluster.namespace_ = flags.namespace_.empty() ? kLocalNamespace : flags.namespace_;
      return cluster;
    };
  }

  // The one object of a file, as `kubectl create -f` makes it.
  void Create(const kube::ResourceType& type, const std::string& file) {
    const auto text = ReadFile(folder_ / file);
    ASSERT_TRUE(text);
    const auto documents = api::ParseManifests(*text, file);
    ASSERT_TRUE(documents);
    Json object = documents->front().object;
    object["metadata"]["namespace"] = kLocalNamespace;
    const auto made = cluster_->client().Create(type, kLocalNamespace, object);
    ASSERT_TRUE(made) << made.error().message;
  }
  // The Pipeline of testdata/two-steps.yaml, which only runs when it is asked to.
  void CreateWords() {
    CopyTestdata("two-steps.yaml");
    std::string text = *ReadFile(folder_ / "two-steps.yaml");
    text.insert(text.find("  parameters:"), "  runPolicy: Manual\n");
    Write("words.yaml", text);
    Create(kube::kPipelines, "words.yaml");
  }
  std::vector<std::string> RunNames() {
    std::vector<std::string> names;
    const auto runs = cluster_->client().List(kube::kPipelineRuns, kLocalNamespace, {});
    EXPECT_TRUE(runs);
    for (const Json& run : runs->items) {
      names.push_back(run["metadata"].value("name", ""));
    }
    return names;
  }

  const State nodes_;
  std::unique_ptr<LocalCluster> cluster_;
};

}  // namespace penstock::cli
