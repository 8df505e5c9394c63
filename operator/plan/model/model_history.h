// What a ModelDeployment remembers of its versions. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
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

// By what a short history still knows what it must.
struct HistoryNeeds {
  std::int64_t stable = 0;       // 0: none
  std::set<std::int64_t> there;  // versions whose Deployments stand
  std::string target;            // the digest to follow; empty: not known
  std::string template_hash;     // of the spec
};

// At most api::kMostRemembered are kept; what must not be tried again is forgotten last.
void Remember(ModelHistory& history, api::ModelHistoryEntry entry);
// Keeps `most` of them; what must not be tried again is forgotten last. Above `most`, and at most
// api::kMostRemembered, stay: the stable version's entry and that of the version which an undo
// would bring back; both of an undo under way; what refused the target, and the newest refusal;
// those of versions that stand, which end by what is said of them; and the highest number, which is
// not given again.
void Bound(ModelHistory& history, std::size_t most, const HistoryNeeds& needs);

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
