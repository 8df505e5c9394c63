// The public keys of a token's issuer: a JSON Web Key Set (RFC 7517). Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/tokens/public_key.h"

namespace penstock::router {

using tokens::FormOf;
using tokens::SignatureForm;

class KeySet {
 public:
  // Who wrote it: people are told of each mistake, an issuer cannot be.
  enum class By : std::uint8_t { kPeople, kIssuer };

  // At most 50 keys, 256 KiB. Keys of kinds that are not known, or not for signatures, are passed
  // over. Invalid where one that is known cannot be used (RSA below 2048 bits, a point off its
  // curve), where two of one "kid" are for one form, and where a secret stands in it: of an
  // issuer's set these are passed over as well (RFC 7517, 5), both of the two, so that one odd key
  // takes none of the others away. kUnsupported for a set of which no key is left: nobody's
  // signature counts by it.
  [[nodiscard]] static Result<std::shared_ptr<const KeySet>> Parse(std::string_view json,
                                                                   By by = By::kPeople);

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
  // Nothing: it is passed over.
  [[nodiscard]] static Result<std::optional<Key>> Read(const Json& json, const std::string& where);
  // The form that both of two keys of one "kid" are for; null: there is none.
  [[nodiscard]] static const SignatureForm* Clash(const Key& one, const Key& other);

  std::vector<Key> keys_;
};

}  // namespace penstock::router
