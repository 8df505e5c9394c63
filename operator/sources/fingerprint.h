// What identifies the content of an outside source at this moment: a version id, a strong ETag
// with the length, the SHA-256 of a local file, or the state of a table that the URI names for
// good. Blocks; thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "operator/base/time.h"
#include "operator/net/address_policy.h"

namespace penstock::sources {

struct FingerprintOptions {
  bool local_files = false;  // file:// is read here: only where the operator runs as the user
  // Which addresses may be asked. None: with local_files all, else what every policy allows.
  net::AddressCheck may_ask = {};
  std::stop_token stop = {};
};

struct Fingerprint {
  std::string value;     // empty: nothing identifies the source, or it could not be asked
  std::string why_none;  // what went wrong when it was asked
  bool refused = false;  // it may not be asked
  bool silent = false;   // it did not answer, or that it cannot; it may later
};

// Never fails: a step whose source has no fingerprint runs. Ends within ten seconds for an http
// source, the look-up of its name included.
[[nodiscard]] Fingerprint TakeFingerprint(const std::string& uri,
                                          const FingerprintOptions& options);

// The same for many runs: a server that did not answer is left alone for a second, then for two, up
// to a minute, and whoever asks of it meanwhile has its last silence for an answer. Each namespace
// has servers of its own, so that none learns of or waits for another's.
class Fingerprints {
 public:
  // The clock must outlive it.
  Fingerprints(FingerprintOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  [[nodiscard]] Fingerprint Take(const std::string& ns, const std::string& uri);

 private:
  struct Silence {
    Fingerprint last;
    int times = 0;
    std::chrono::steady_clock::time_point until;
  };
  void Note(const std::string& server, const Fingerprint& taken);

  const FingerprintOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Silence> silent_;  // by "namespace scheme://authority"
};

}  // namespace penstock::sources
