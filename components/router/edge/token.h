// Whether a request may pass by its bearer token: a JSON Web Token (RFC 7519) that the issuer has
// signed for one of the audiences, and that holds now. Immutable; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/router/edge/key_set.h"
#include "operator/base/time.h"

namespace penstock::router {

struct TokenRules {
  std::string issuer;                  // "iss", to the letter
  std::vector<std::string> audiences;  // one of them must be in "aud"
  std::shared_ptr<const KeySet> keys;  // null: no token passes
  // Told of a token of a key that is not among them: the issuer may have a new one. May be empty.
  std::function<void()> unknown_key = {};
};

// For tests and counts; clients are told nothing of it.
enum class Verdict : std::uint8_t {
  kGood,
  kNone,       // no Authorization: Bearer
  kMalformed,  // no token, too large, "crit", or claims of another type
  kAlgorithm,  // "none", a shared secret's, or one that is not known
  kKey,        // of nobody's key
  kSignature,
  kIssuer,
  kAudience,
  kTime,    // expired, not valid yet, or without "exp"
  kNoKeys,  // none are known yet: nobody can say
};

// Clocks differ: a token holds so much longer and earlier.
inline constexpr std::chrono::seconds kLeeway{30};
inline constexpr std::size_t kMostTokenBytes = 8U << 10;

// `authorization`: the header's value, empty where there is none.
[[nodiscard]] Verdict Judge(std::string_view authorization, const TokenRules& rules, TimePoint now);

// What whoever brings a token is told of kNoKeys: it is no fault of the token, and passes.
[[nodiscard]] std::string NoKeysText(const TokenRules& rules);

}  // namespace penstock::router
