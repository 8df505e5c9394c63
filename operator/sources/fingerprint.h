// What identifies the content of an outside source at this moment: a version id, a strong ETag
// with the length, or the SHA-256 of a local file. Blocks; thread-safe.
#pragma once

#include <stop_token>
#include <string>

namespace penstock::sources {

struct FingerprintOptions {
  bool local_files = false;  // file:// is read here: only where the operator runs as the user
  std::stop_token stop;
};

struct Fingerprint {
  std::string value;     // empty: nothing identifies the source, or it could not be asked
  std::string why_none;  // what went wrong when it was asked
};

// Never fails: a step whose source has no fingerprint runs.
[[nodiscard]] Fingerprint TakeFingerprint(const std::string& uri,
                                          const FingerprintOptions& options);

}  // namespace penstock::sources
