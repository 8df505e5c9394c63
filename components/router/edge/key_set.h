// The public keys of a token's issuer: a JSON Web Key Set (RFC 7517). Immutable; any thread.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::router {

// How a token may be signed (RFC 7518, 3.1): by a private key whose public half is not secret.
struct SignatureForm {
  std::string_view name;  // "ES256", as in a token's header
  const EVP_MD* (*digest)() = EVP_sha256;
  std::string_view type;        // of the key: "RSA", "EC"
  std::string_view curve = {};  // of an EC key: "P-256"
  std::size_t half = 0;         // of an ECDSA signature: bytes of r, and of s
};
// Null: none that is taken. "none" and those of a shared secret (HS256) never are.
[[nodiscard]] const SignatureForm* FormOf(std::string_view algorithm);

class KeySet {
 public:
  // At most 50 keys, 256 KiB. Keys of kinds that are not known, or not for signatures, are passed
  // over; Invalid where none is left, where one that is known cannot be used (RSA below 2048 bits,
  // a point off its curve), where two of one "kid" are for one form, and where a secret stands in
  // it.
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> Parse(std::string_view json);

  // Whose signatures of that form count. `id`: the token's "kid", or empty: then there must be but
  // one key of that form. Null: none.
  [[nodiscard]] EVP_PKEY* Find(const SignatureForm& form, std::string_view id) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string id;
    std::string type;
    std::string curve;
    std::string algorithm;  // the only one that it is for; empty: any of its type
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{nullptr, EVP_PKEY_free};
  };
  KeySet() = default;
  [[nodiscard]] static bool Fits(const Key& key, const SignatureForm& form);

  std::vector<Key> keys_;
};

}  // namespace penstock::router
