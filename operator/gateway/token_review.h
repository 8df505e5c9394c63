// Asks the API server who holds a token (TokenReview with our audience), and remembers its yes for
// a minute and its no for ten seconds, so that a token that is no good does not cost a review each
// time it comes. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "operator/base/time.h"
#include "operator/gateway/authenticator.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

inline constexpr const char* kAudience = "penstock";
inline constexpr std::chrono::seconds kIdentityLifetime{60};
inline constexpr std::chrono::seconds kRefusalLifetime{10};

class TokenReviewAuthenticator : public Authenticator {
 public:
  // Both must outlive it.
  TokenReviewAuthenticator(kube::Client& client, const Clock& clock)
      : client_(client), clock_(clock) {}

  [[nodiscard]] Result<Identity> Authenticate(const std::string& bearer,
                                              std::stop_token stop) override;

 private:
  struct Reviewed {
    Result<Identity> verdict;  // kForbidden where it is a no
    std::chrono::steady_clock::time_point until;
  };
  // By SHA-256 of the token: the token itself is not kept.
  using Verdicts = std::map<std::string, Reviewed>;
  void Keep(Verdicts& among, const std::string& key, Reviewed verdict) const;

  kube::Client& client_;
  const Clock& clock_;
  std::mutex mutex_;
  Verdicts known_;
  Verdicts refused_;  // apart, so that bad tokens push out no good one
};

// What a TokenReview's answer says; kForbidden when it says no.
[[nodiscard]] Result<Identity> IdentityOf(const Json& review);

}  // namespace penstock::gateway
