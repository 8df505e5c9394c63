// Elliptic curve keys (NIST P-256, P-384, P-521) in PEM, and ECDSA with the hash that goes with the
// curve (SHA-256, SHA-384, SHA-512). On OpenSSL. A key may be used by any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::signing {

class EcKey {
 public:
  // Invalid where the text is no such key: no PEM, encrypted, of another kind or curve.
  [[nodiscard]] static Result<EcKey> ReadPrivate(const std::string& pem);
  [[nodiscard]] static Result<EcKey> ReadPublic(const std::string& pem);

  // A signature in DER; for private keys.
  [[nodiscard]] Result<std::string> Sign(std::string_view bytes) const;
  // False where it is no signature of these bytes by this key, damaged or not.
  [[nodiscard]] bool Verifies(std::string_view bytes, std::string_view signature) const;

  // The public key as PEM, and what tells one key from another: 64 hexadecimal digits, the SHA-256
  // of that PEM.
  [[nodiscard]] const std::string& public_pem() const { return public_pem_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }

 private:
  struct Impl;
  [[nodiscard]] static Result<EcKey> Of(std::shared_ptr<const Impl> key);

  std::shared_ptr<const Impl> key_;
  std::string public_pem_, hint_;
};

}  // namespace penstock::signing
