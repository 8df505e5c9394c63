// Public keys as a JSON Web Key Set has them (RFC 7517), and the forms of signature that they are
// held against. Pure.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::tokens {

// How a token may be signed (RFC 7518, 3.1): by a private key whose public half is not secret.
struct SignatureForm {
  std::string_view name;  // "ES256", as in a token's header
  const EVP_MD* (*digest)() = EVP_sha256;
  std::string_view type;        // of the key: "RSA", "EC"
  std::string_view curve = {};  // of an EC key: "P-256"
  std::size_t half = 0;         // of an ECDSA signature: bytes of r, and of s
};
[[nodiscard]] std::span<const SignatureForm> Forms();
// Null: none that is taken. "none" and those of a shared secret (HS256) never are.
[[nodiscard]] const SignatureForm* FormOf(std::string_view algorithm);

// What a key of a set says of itself; "" where it says nothing.
struct KeyLabel {
  std::string id;  // "kid"
  std::string type;
  std::string curve;
  std::string algorithm;        // the only one that it is for; empty: any of its type
  bool for_signatures = false;  // by its "use" and "key_ops"
  [[nodiscard]] bool Fits(const SignatureForm& form) const;
};
[[nodiscard]] KeyLabel LabelOf(const Json& key);

using PublicKey = std::shared_ptr<EVP_PKEY>;
// Of a key whose label fits `form`. Invalid says what is wrong: RSA of 2048 to 8192 bits and points
// on their curve are taken.
[[nodiscard]] Result<PublicKey> ReadPublicKey(const Json& key, const SignatureForm& form);

}  // namespace penstock::tokens
