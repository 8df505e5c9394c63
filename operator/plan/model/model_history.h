// What a ModelDeployment remembers of its versions. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/api/model_deployment.h"

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

// At most api::kMostRemembered are kept; what must not be tried again is forgotten last.
void Remember(ModelHistory& history, api::ModelHistoryEntry entry);
// Keeps `most` of them by the same rule, and the two entries by which the newest undo is done.
void Bound(ModelHistory& history, std::size_t most);

// "version 3 (sha256:0123456789ab)".
[[nodiscard]] std::string VersionText(std::int64_t version, const std::string& digest);

}  // namespace penstock::plan
