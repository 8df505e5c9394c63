// Sources that somebody follows: each is asked for its fingerprint now and then, off the caller's
// thread. Thread-safe; what is known lives as long as the process.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "operator/base/time.h"
#include "operator/sources/fingerprint.h"

namespace penstock::sources {

class Followed {
 public:
  // Runs work that may block, in its namespace's share of threads.
  using Submit = std::function<void(const std::string& ns, std::function<void()> work)>;
  // `wake(key)`: a source of the follower has another fingerprint than before. The fingerprints and
  // the clock must outlive it, and it the work.
  Followed(Fingerprints& fingerprints, const Clock& clock, Submit submit,
           std::function<void(const std::string& key)> wake)
      : fingerprints_(fingerprints),
        clock_(clock),
        submit_(std::move(submit)),
        wake_(std::move(wake)) {}

  // "sha256:..." of the newest fingerprint; "" where none is known. Asks anew where the last answer
  // is older than `interval`.
  [[nodiscard]] std::string DigestOf(const std::string& ns, const std::string& key,
                                     const std::string& uri, Milliseconds interval);
  // It follows these now, and no others.
  void KeepOnly(const std::string& key, const std::set<std::string>& uris);
  // When to look again: when the next of its sources is to be asked, or after five seconds while
  // one is being asked, however long it takes to answer. nullopt of who follows none.
  [[nodiscard]] std::optional<Milliseconds> NextAsk(const std::string& key) const;

 private:
  struct Source {
    std::string digest;
    bool asking = false;
    std::chrono::steady_clock::time_point next;
  };
  // Nobody asks it now. Null: nobody follows it any more.
  Source* EndAsk(const std::string& key, const std::string& uri, Milliseconds interval);
  void Ask(const std::string& ns, const std::string& key, const std::string& uri,
           Milliseconds interval);

  Fingerprints& fingerprints_;
  const Clock& clock_;
  const Submit submit_;
  const std::function<void(const std::string&)> wake_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Source>> sources_;  // by key and URI
};

}  // namespace penstock::sources
