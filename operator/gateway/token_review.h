// Asks the API server who holds a token (TokenReview with our audience), and remembers its yes for
// a minute. A no is never remembered. Thread-safe.
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

class TokenReviewAuthenticator : public Authenticator {
 public:
  // Both must outlive it.
  TokenReviewAuthenticator(kube::Client& client, const Clock& clock)
      : client_(client), clock_(clock) {}

  [[nodiscard]] Result<Identity> Authenticate(const std::string& bearer,
                                              std::stop_token stop) override;

 private:
  struct Reviewed {
    Identity identity;
    std::chrono::steady_clock::time_point until;
  };
  kube::Client& client_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Reviewed> known_;  // by SHA-256 of the token: the token itself is not kept
};

// What a TokenReview's answer says; kForbidden when it says no.
[[nodiscard]] Result<Identity> IdentityOf(const Json& review);

}  // namespace penstock::gateway
