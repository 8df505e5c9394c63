// The registry's rows (model_registry.h). Only this folder's .cc files include it: it brings SOCI.
// What is not there is kNotFound; throws as SOCI does.
#pragma once

#include <soci.h>

#include <string>

#include "operator/metadata/model_registry.h"

namespace penstock::metadata {

[[nodiscard]] Result<RegisteredModel> ReadRegistered(soci::session& db, const std::string& ns,
                                                     const std::string& name);
// Invalid over the bounds.
[[nodiscard]] Result<void> WriteRegistered(soci::session& db, const std::string& ns,
                                           const RegisteredModel& model);
// The next of all that stand behind the name, at most so many; `bytes` grows by what they hold.
[[nodiscard]] std::vector<RegisteredModel> ReadRegisteredBehind(soci::session& db,
                                                                const std::string& ns,
                                                                const std::string& name,
                                                                std::size_t& bytes);

[[nodiscard]] Result<ModelVersion> ReadVersion(soci::session& db, const std::string& ns,
                                               const std::string& name, std::int64_t number);
[[nodiscard]] Result<ModelVersion> ReadVersionOfAlias(soci::session& db, const std::string& ns,
                                                      const std::string& name,
                                                      const std::string& alias);
[[nodiscard]] Result<ModelVersion> ReadNewestVersion(soci::session& db, const std::string& ns,
                                                     const std::string& name);
[[nodiscard]] Result<void> WriteVersion(soci::session& db, const std::string& ns,
                                        const ModelVersion& version);

// Where a list of versions goes on.
struct VersionPlace {
  std::string name;
  std::int64_t number = 0;
};
[[nodiscard]] std::vector<ModelVersion> ReadVersionsBehind(soci::session& db, const std::string& ns,
                                                           const std::string& only, bool oldest,
                                                           const VersionPlace& place,
                                                           std::size_t& bytes);

}  // namespace penstock::metadata
