// Key sets that issuers publish at a URL, fetched by a thread a source: when they are first named,
// again and again from then on, at once where a token names a key that is not among them (not more
// often than every ten seconds), and with growing pauses while the issuer does not give them. What
// was fetched counts on for a day at most, and no longer once the issuer publishes a set without
// it, be that one of no key at all; then, and before there was any, no token is taken.
//
// One thread at a time, but for Fetched::unknown_key. Redirects are not followed, nor is a
// proxy used: whoever is asked is held against the policy of addresses.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "components/router/edge/key_set.h"
#include "operator/base/result.h"
#include "operator/net/address_policy.h"

namespace penstock::router {

struct KeyFetcherOptions {
  net::AddressCheck may_connect = {};  // none: every address may be asked
  std::chrono::milliseconds renewal{300'000};
  std::chrono::milliseconds first_pause{1'000};  // after a failure; doubled each time
  std::chrono::milliseconds longest_pause{60'000};
  std::chrono::milliseconds least_between{10'000};  // two fetches for keys that are not known
  std::chrono::milliseconds most_age{24 * 3'600'000};
  std::chrono::milliseconds deadline{10'000};  // of one fetch
  // The age of keys is counted by it. Any thread.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

class KeyFetcher {
 public:
  // Where a set stands: its URL, and the file of the authorities that its server is trusted by, ""
  // for the system's.
  using Source = std::pair<std::string, std::string>;
  struct Fetched {
    std::shared_ptr<const KeySet> keys;  // the same object as long as the set says the same
    // Why there are none, or why they could not be renewed for some time; empty: nothing is wrong,
    // or the first answer is waited for.
    std::string trouble;
    std::function<void()> unknown_key;  // any thread, never blocks
  };

  explicit KeyFetcher(KeyFetcherOptions options);
  ~KeyFetcher();  // waits for fetches that are under way, which are told to end
  KeyFetcher(const KeyFetcher&) = delete;
  KeyFetcher& operator=(const KeyFetcher&) = delete;

  // What is known of it now; it is fetched from then on.
  [[nodiscard]] Fetched Look(const Source& source);
  // Nobody asks for the others any more.
  void KeepOnly(const std::set<Source>& sources);

 private:
  class Worker;
  const KeyFetcherOptions options_;
  std::map<Source, std::unique_ptr<Worker>> workers_;
};

}  // namespace penstock::router
