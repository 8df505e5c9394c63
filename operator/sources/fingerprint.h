// What identifies the content of an outside source at this moment (DESIGN section 5): a version id,
// a strong ETag with the length, or the SHA-256 of a local file. Blocks; thread-safe.
#pragma once

#include <stop_token>
#include <string>

#include "operator/plan/run/world.h"

namespace penstock::controllers {

struct FingerprintOptions {
  bool local_files = false;  // file:// is read here: only where the operator runs as the user
  std::stop_token stop;
};

// Never fails: a source that cannot be asked, or has nothing that identifies it, gives an answer
// without a fingerprint that says why, and the step runs.
[[nodiscard]] plan::FingerprintAnswer TakeFingerprint(const std::string& uri,
                                                      const FingerprintOptions& options);

}  // namespace penstock::controllers
