// What a ModelDeployment remembers of its versions. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/api/model_deployment.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

// ModelHistoryEntry::outcome.
inline constexpr const char* kPromoted = "Promoted";
inline constexpr const char* kRejected = "Rejected";      // before it had traffic
inline constexpr const char* kRolledBack = "RolledBack";  // under traffic, by people, or undone

using ModelHistory = std::vector<api::ModelHistoryEntry>;  // newest first

// The newest time that this model was rejected or rolled back under this spec (TemplateHash); null:
// never.
[[nodiscard]] const api::ModelHistoryEntry* RejectionOf(const ModelHistory& history,
                                                        const std::string& digest,
                                                        const std::string& template_hash);
// An entry says this outcome of this version.
[[nodiscard]] bool Has(const ModelHistory& history, std::int64_t version, const char* outcome);
// It was rejected or rolled back.
[[nodiscard]] bool WasRefused(const ModelHistory& history, std::int64_t version);

// What becomes of a version under a spec (TemplateHash).
[[nodiscard]] api::ModelHistoryEntry EntryOf(const api::ModelVersionStatus& version,
                                             const char* outcome, const std::string& reason,
                                             TimePoint now, const std::string& template_hash);

// At most api::kMostRemembered are kept; what must not be tried again is forgotten last.
void Remember(ModelHistory& history, api::ModelHistoryEntry entry);
// Keeps `most` of them by the same rule, and the two entries by which the newest undo is done.
void Bound(ModelHistory& history, std::size_t most);

// The Deployment that was made for this model, and serves nobody yet; null: none.
[[nodiscard]] const DeploymentFact* CandidateOf(const ModelObserved& observed,
                                                const api::ModelDeploymentStatus& status,
                                                const std::string& digest);
// The number of a new version of this model: no other model has had it, as people name versions by
// it (penstock.dev/promote: "8").
[[nodiscard]] std::int64_t NextVersion(const ModelObserved& observed,
                                       const api::ModelDeploymentStatus& status,
                                       const std::string& digest);
// Keeps the number of a candidate that goes without another trace: its model is not wanted any
// more.
void KeepNumber(const ModelObserved& observed, api::ModelDeploymentStatus& status);

// "version 3 (sha256:0123456789ab)".
[[nodiscard]] std::string VersionText(std::int64_t version, const std::string& digest);

}  // namespace penstock::plan
