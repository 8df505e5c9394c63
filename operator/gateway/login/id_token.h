// What an OpenID provider says of a person: an ID token (OpenID Connect Core 1.0, section 3.1.3.7),
// held against the provider's keys (RFC 7517). RS256 and ES256 alone are taken, each with a key of
// its own kind: what a token's head says chooses a key and never how it is verified. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/gateway/x509.h"

namespace penstock::gateway::login {

struct SigningKey {
  std::string id;         // "" where the provider gives it none
  std::string algorithm;  // RS256 or ES256
  KeyPtr key;
};

// The keys of a JWK set that can have signed an ID token; others are left out, also those of 2047
// bits and fewer, or more than 8192. Invalid where it is no JWK set.
[[nodiscard]] Result<std::vector<SigningKey>> ParseKeys(const Json& jwks);

struct TokenRules {
  std::string issuer;     // exactly
  std::string client_id;  // that it must be meant for
  std::string nonce;      // of the log-in that asked for it
};

inline constexpr std::chrono::seconds kClockSkew{60};

// The claims. kNotFound: none of the keys has signed it and none is the one that it names: the
// provider may have new ones. kForbidden: it is not to be trusted. Errors hold nothing of the
// token.
[[nodiscard]] Result<Json> VerifyIdToken(const std::string& token,
                                         const std::vector<SigningKey>& keys,
                                         const TokenRules& rules, TimePoint now);

// Which claims say who somebody is: the words of kube-apiserver's --oidc-* flags.
struct ClaimRules {
  std::string username = "sub";
  // "": "<issuer>#", but none where the claim is email; "-": none.
  std::string username_prefix;
  std::string groups;  // "": nobody has groups
  std::string groups_prefix;
};

struct Person {
  std::string user;
  std::vector<std::string> groups;
  bool operator==(const Person&) const = default;
};

// kForbidden where the claims name nobody, an e-mail address that is not verified, what is no name
// (person_name.h), or one that begins with "system:", which are Kubernetes' own.
[[nodiscard]] Result<Person> PersonOf(const Json& claims, const ClaimRules& rules,
                                      const std::string& issuer);

}  // namespace penstock::gateway::login
