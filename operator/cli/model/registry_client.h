// Models and their versions of one namespace, by the API server. Used by one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/registry/registered_model.h"
#include "operator/cli/objects/session.h"

namespace penstock::cli {

using ModelVersion = api::RegisteredVersion;

class Registry {
 public:
  [[nodiscard]] static Result<Registry> Open(Session& session);

  // By model and number; of all models where `model` is empty.
  [[nodiscard]] Result<std::vector<ModelVersion>> Versions(const std::string& model) const;
  [[nodiscard]] Result<std::vector<api::RegisteredModel>> Models() const;
  // Nothing where there is none.
  [[nodiscard]] Result<std::optional<Json>> Model(const std::string& name) const;
  // The version that an alias or a number names; NotFound.
  [[nodiscard]] Result<ModelVersion> Find(const std::string& model, const std::string& which) const;
  // Under the Model's resourceVersion: kConflict where somebody else moved it meanwhile. Nothing
  // for the version takes the alias away.
  [[nodiscard]] Result<void> PointAlias(const std::string& model, const std::string& alias,
                                        std::optional<std::int64_t> version) const;
  // Registers it under the next number, which it gets: of two who do so at once each has one.
  [[nodiscard]] Result<void> Register(ModelVersion& version) const;

  [[nodiscard]] kube::Client& client() const { return *cluster_.client; }
  [[nodiscard]] const std::string& ns() const { return cluster_.namespace_; }
  [[nodiscard]] const kube::Call& call() const { return call_; }

 private:
  Registry(Cluster cluster, const Session& session)
      : cluster_(std::move(cluster)), call_{.stop = session.interrupted} {}
  [[nodiscard]] Result<std::vector<Json>> List(const kube::ResourceType& type) const;

  Cluster cluster_;
  kube::Call call_;
};

}  // namespace penstock::cli
