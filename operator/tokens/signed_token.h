// JSON Web Tokens (RFC 7519) in their compact form, taken apart and held against a key. What is in
// their claims is for who asks: a token whose signature was not verified is anybody's text. Pure.
//
// Written here, on OpenSSL's signatures: what is taken is one form of token, with few algorithms
// and no keys that a token brings itself, so that most of what such libraries offer would have to
// be turned off. Follows RFC 8725: the algorithm is held against the key's, never taken on trust.
#pragma once

#include <optional>
#include <string_view>

#include "operator/base/json.h"
#include "operator/tokens/public_key.h"

namespace penstock::tokens {

// Points into the token's text.
struct SignedToken {
  std::string_view header, claims, signature;
  std::string_view signed_text;  // header and claims with the dot
};
// Nothing where it has fewer than three parts, or its first two are no base64url.
[[nodiscard]] std::optional<SignedToken> Split(std::string_view token);

// A header, or claims; nothing where they are no JSON object.
[[nodiscard]] std::optional<Json> ObjectOf(std::string_view part);

[[nodiscard]] bool IsSigned(const SignedToken& token, const SignatureForm& form, EVP_PKEY* key);

// Seconds since 1970, maybe with a fraction; nothing where it is no finite number.
[[nodiscard]] std::optional<double> SecondsAt(const Json& claims, const char* name);

}  // namespace penstock::tokens
