// The public keys of a token's issuer: a JSON Web Key Set (RFC 7517). Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/tokens/public_key.h"

namespace penstock::router {

using tokens::FormOf;
using tokens::SignatureForm;

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
    tokens::KeyLabel label;
    tokens::PublicKey key;
  };
  KeySet() = default;

  std::vector<Key> keys_;
};

}  // namespace penstock::router
