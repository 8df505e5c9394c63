// Asks the API server who holds a token (TokenReview with our audience), and remembers its yes for
// a minute and its no for ten seconds, so that a token that is no good does not cost a review each
// time it comes. Thread-safe.
#pragma once

#include <chrono>
#include <string>

#include "operator/base/time.h"
#include "operator/gateway/authenticator.h"
#include "operator/gateway/review_cache.h"
#include "operator/kube/client.h"

namespace penstock::gateway {

inline constexpr const char* kAudience = "penstock";
inline constexpr std::chrono::seconds kIdentityLifetime{60};
inline constexpr std::chrono::seconds kRefusalLifetime{10};

class TokenReviewAuthenticator : public Authenticator {
 public:
  // Both must outlive it.
  TokenReviewAuthenticator(kube::Client& client, const Clock& clock)
      : client_(client), reviews_(clock) {}

  [[nodiscard]] Result<Identity> Authenticate(const std::string& bearer,
                                              std::stop_token stop) override;

 private:
  kube::Client& client_;
  ReviewCache<Result<Identity>> reviews_;  // kForbidden is a no
};

// What a TokenReview's answer says; kForbidden when it says no.
[[nodiscard]] Result<Identity> IdentityOf(const Json& review);

}  // namespace penstock::gateway
