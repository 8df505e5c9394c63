// MLflow's registry of models, by namespace: names, their numbered versions, and aliases that point
// to versions. What programs keep of their own, apart from the kind Model; written as tracked runs
// are (tracking.h), each call in one transaction: two that make a version at once get different
// numbers, an alias leads to one version at any time, and what goes takes with it what points to
// it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/metadata/logged_models.h"
#include "operator/metadata/tracking.h"

namespace penstock::metadata {

// Of a registered model, and of a version of one: tags, and bytes of all that it holds; aliases of
// one model.
inline constexpr std::size_t kMostRegistryTags = 500, kMostRegistryBytes = 64UL << 10,
                             kMostAliases = 500;

struct RegisteredModel {
  std::string name;
  std::string key;  // of whoever makes it: the same key again is the same model
  std::string description;
  TimePoint created, changed;
  std::map<std::string, std::string> tags;
  std::int64_t newest = 0;                      // the last number that was given, ever
  std::map<std::string, std::int64_t> aliases;  // read only: SetAlias
};

struct ModelVersion {
  std::string name;         // of its model
  std::int64_t number = 0;  // from 1, given by AddVersion
  std::string key;          // of whoever makes it: the same key again is the same version
  std::string description, user;
  std::string source;         // as it was registered
  std::string location;       // where its files are: mlflow-artifacts:/...
  std::string run, run_link;  // "": none
  std::string logged_model;   // its id; "": none
  TimePoint created, changed;
  std::map<std::string, std::string> tags;
  std::vector<std::string> aliases;  // read only: SetAlias
};

struct RegisteredModelPage {
  std::vector<RegisteredModel> models;
  std::string next;  // what to ask with for those behind; "": none are left
};

struct ModelVersionPage {
  std::vector<ModelVersion> versions;
  std::string next;
};

// kNotFound wherever a model, version or alias is not there; Invalid over the bounds.
class ModelRegistry {
 public:
  explicit ModelRegistry(Tracking& tracking) : tracking_(tracking) {}

  // kAlreadyExists.
  [[nodiscard]] Result<void> Make(const std::string& ns, const RegisteredModel& model,
                                  const std::stop_token& stop = {});
  [[nodiscard]] Result<RegisteredModel> Get(const std::string& ns, const std::string& name) const;
  // Its description, tags and time of change.
  [[nodiscard]] Result<RegisteredModel> Change(
      const std::string& ns, const std::string& name,
      const std::function<Result<void>(RegisteredModel&)>& change,
      const std::stop_token& stop = {});
  // With its versions and aliases; kAlreadyExists.
  [[nodiscard]] Result<RegisteredModel> Rename(const std::string& ns, const std::string& name,
                                               const std::string& to, TimePoint now,
                                               const std::stop_token& stop = {});
  [[nodiscard]] Result<void> Remove(const std::string& ns, const std::string& name,
                                    const std::stop_token& stop = {});
  // By name, those that `keep` says true of, behind `after` (a page's `next`). It may hold none and
  // have a next one.
  [[nodiscard]] Result<RegisteredModelPage> Page(
      const std::string& ns, std::size_t limit, const std::string& after,
      const std::function<bool(const RegisteredModel&)>& keep) const;

  // The next number of the model is given to it.
  [[nodiscard]] Result<ModelVersion> AddVersion(const std::string& ns, const ModelVersion& version,
                                                const std::stop_token& stop = {});
  [[nodiscard]] Result<ModelVersion> Version(const std::string& ns, const std::string& name,
                                             std::int64_t number) const;
  [[nodiscard]] Result<ModelVersion> OfAlias(const std::string& ns, const std::string& name,
                                             const std::string& alias) const;
  // That with the largest number; none: the model has no versions, or is not there.
  [[nodiscard]] Result<std::optional<ModelVersion>> Newest(const std::string& ns,
                                                           const std::string& name) const;
  // Its description, tags and time of change.
  [[nodiscard]] Result<ModelVersion> ChangeVersion(
      const std::string& ns, const std::string& name, std::int64_t number,
      const std::function<Result<void>(ModelVersion&)>& change, const std::stop_token& stop = {});
  // Aliases that point to it go, too; its number is never given again.
  [[nodiscard]] Result<void> RemoveVersion(const std::string& ns, const std::string& name,
                                           std::int64_t number, TimePoint now,
                                           const std::stop_token& stop = {});
  // Of one model (`only`), or of all: by name, then the newest first, or `oldest` first. As Page;
  // Invalid of an `after` that is none of ours.
  [[nodiscard]] Result<ModelVersionPage> Versions(
      const std::string& ns, const std::string& only, bool oldest, std::size_t limit,
      const std::string& after, const std::function<bool(const ModelVersion&)>& keep) const;

  // Moves it where it points elsewhere.
  [[nodiscard]] Result<void> SetAlias(const std::string& ns, const std::string& name,
                                      const std::string& alias, std::int64_t number, TimePoint now,
                                      const std::stop_token& stop = {});
  [[nodiscard]] Result<void> RemoveAlias(const std::string& ns, const std::string& name,
                                         const std::string& alias, TimePoint now,
                                         const std::stop_token& stop = {});

 private:
  Tracking& tracking_;
};

}  // namespace penstock::metadata
