// ModelDeployments over the in-memory cluster, which has no Deployment controller: a test says when
// the Deployment of a version is available.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

class EngineModels : public EngineTest {
 protected:
  std::string Digest(const std::string& content, const std::string& ns = "team") {
    const auto folder = folder_ / "models" / content;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "model.yaml") << content;
    auto stored = store_->Put(ns, folder);
    EXPECT_TRUE(stored) << (stored ? "" : stored.error().message);
    return stored ? stored->digest : "";
  }

  void Serve(const std::string& digest) {
    Create(kube::kModelDeployments,
           "metadata: {name: flights}\nspec: {model: \"" + digest + "\", replicas: 1}\n");
  }

  // As the Deployment controller would write.
  void MakeAvailable(const std::string& deployment, int servers = 1) {
    const Json d = AwaitThere(kube::kDeployments, deployment);
    const Json generation = d["metadata"].value("generation", Json(1));
    auto written = cluster_.MergePatch(kube::kDeployments, "team", deployment,
                                       {{"status",
                                         {{"observedGeneration", generation},
                                          {"updatedReplicas", servers},
                                          {"readyReplicas", servers},
                                          {"availableReplicas", servers}}}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }

  // A Ready pod of a version's Deployment, as that made it.
  void MakePod(const std::string& deployment, const std::string& version) {
    const Json made = AwaitThere(kube::kDeployments, deployment);
    const Json annotations = made["metadata"]["annotations"];
    const std::string hash = annotations["penstock.dev/template-hash"];
    Create(kube::kPods, "metadata: {name: " + deployment +
                            "-x, labels: {penstock.dev/model-deployment: flights, "
                            "penstock.dev/model-version: \"" +
                            version + "\"}, annotations: {penstock.dev/template-hash: \"" + hash +
                            "\"}}\nspec: {containers: [{name: serve, image: i, ports: "
                            "[{name: http, containerPort: 8080}]}]}\n");
    const Json status{{"phase", "Running"},
                      {"podIP", "10.9.9." + version},
                      {"hostIP", "10.0.0.1"},
                      {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    auto written = cluster_.MergePatch(kube::kPods, "team", deployment + "-x", {{"status", status}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }
  Json AwaitThere(const kube::ResourceType& type, const std::string& name) {
    return Await(type, name, "there", [](const Json&) { return true; });
  }
  Json AwaitReady(const std::string& status, const std::string& reason) {
    return Await(kube::kModelDeployments, "flights", reason, [&](const Json& object) {
      return ConditionOf(object, "Ready") == status && ReasonOf(object) == reason;
    });
  }
  static std::string ReasonOf(const Json& object) {
    for (const Json& c : object["status"]["conditions"])
      if (c["type"] == "Ready") return c["reason"].get<std::string>();
    return "";
  }
  static std::string MessageOf(const Json& object) {
    for (const Json& c : object["status"]["conditions"])
      if (c["type"] == "Ready") return c["message"].get<std::string>();
    return "";
  }

  void ServeVersionOne() {
    Serve(Digest("one"));
    MakeAvailable("flights-v1");
    AwaitReady("True", "Available");
  }

  // Refuses to apply objects of a kind, until `refusing_` is false.
  void Refuse(const kube::ResourceType& kind, ErrorKind why, const std::string& message) {
    interception_.emplace(
        cluster_,
        [this, kind, why, message](const local::Request& request) -> std::optional<Error> {
          if (request.verb != "apply" || request.type != kind || !refusing_) return std::nullopt;
          ++tries_;
          return Error{why, message};
        });
  }
  std::atomic<bool> refusing_ = true;
  std::atomic<int> tries_ = 0;
  std::optional<Interception> interception_;
};

}  // namespace penstock::controllers
