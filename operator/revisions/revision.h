// A resolved spec as an immutable ControllerRevision. Pure.
//
// The resolved spec is canonical JSON, compressed with gzip and written in base64, so that a run of
// thousands of steps stays far under the size of an object. The name is the hash of the JSON, and
// the object has no owner: runs of one content in one namespace share it (revisions.h).
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::revisions {

inline constexpr std::size_t kMaxObjectBytes = 256 * 1024;

// What the name of each that MakeRevision makes begins with.
inline constexpr const char* kRevisionPrefix = "penstock-";

// The canonical JSON of a resolved spec, and the name of the revision that holds it:
// penstock-<first 32 hex of its SHA-256>.
[[nodiscard]] std::string RevisionText(const plan::ResolvedRun& resolved);
[[nodiscard]] std::string RevisionName(const std::string& text);

// Invalid when it would be over 256 KiB.
[[nodiscard]] Result<Json> MakeRevision(const std::string& ns, const std::string& text);

// The canonical JSON that a revision holds; Internal when the object is no revision of ours or its
// hash is not that of its content.
[[nodiscard]] Result<std::string> UnpackRevision(const Json& revision);
[[nodiscard]] Result<plan::ResolvedRun> ReadRevision(const Json& revision);

}  // namespace penstock::revisions
