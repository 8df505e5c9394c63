// Every blob of a store read again and held against its name.
//
// One that is altered is set aside (Store::Verify), so that its name is free; a cache entry whose
// output is altered or missing is dropped, and the next run of its step makes it again. Missing is
// what a folder, a cache entry or a receipt names and the store has not.
//
// Memory: DigestSet of all blobs, 37 MiB of a million. Functions of their arguments; they block on
// the store for as long as it takes to read it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/json_fwd.h"

namespace penstock::artifacts {

struct Finding {
  std::string ns;
  std::string what;    // "altered" or "missing"
  std::string digest;  // of the blob
  std::string where;   // what names it: "folder sha256:... (part/a.csv)"; may be empty
};

struct DroppedEntry {
  std::string ns, key;
  std::string run, step;  // that made it
};

struct Verified {
  std::uint64_t files = 0, bytes = 0;  // that were read, altered ones among them
  std::vector<Finding> findings;       // at most kMostFindings; `more` are not named
  std::uint64_t more = 0;
  std::vector<DroppedEntry> dropped;
  std::vector<std::string> errors;  // what could not be looked at
  [[nodiscard]] bool Good() const { return findings.empty() && more == 0 && errors.empty(); }
};
inline constexpr std::size_t kMostFindings = 10'000;

// Of these namespaces; of all where there are none.
[[nodiscard]] Verified VerifyStore(const Store& store, const std::vector<std::string>& namespaces,
                                   const std::stop_token& stop);

// {"files": 1, "bytes": 2, "findings": [{"namespace", "what", "digest", "where"}], "more": 0,
//  "dropped": [{"namespace", "key", "run", "step"}], "errors": []}
[[nodiscard]] Json Report(const Verified& verified);

}  // namespace penstock::artifacts
