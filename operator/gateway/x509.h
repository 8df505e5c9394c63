// The few X.509 operations that certificates.cc needs, over OpenSSL. Pure but for randomness.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::gateway {

using KeyPtr = std::shared_ptr<EVP_PKEY>;
using CertPtr = std::shared_ptr<X509>;

[[nodiscard]] Result<KeyPtr> NewKey();  // EC P-256

struct CertRequest {
  std::string common_name;
  TimePoint from;
  TimePoint until;
  bool authority = false;
  std::string alt_names;  // "DNS:a,IP:1.2.3.4"; empty for an authority
};
// Certifies `key`; self-signed when `issuer` is null.
[[nodiscard]] Result<CertPtr> Certify(const CertRequest& request, const KeyPtr& key,
                                      const CertPtr& issuer, const KeyPtr& issuer_key);

[[nodiscard]] std::string ToPem(const CertPtr& certificate);
[[nodiscard]] std::string ToPem(const KeyPtr& key);

// The first private key and all certificates of a PEM text, in order. Invalid when malformed.
struct PemContent {
  KeyPtr key;
  std::vector<CertPtr> certificates;
};
[[nodiscard]] Result<PemContent> ParsePem(const std::string& text);

[[nodiscard]] TimePoint ValidFrom(const CertPtr& certificate);
[[nodiscard]] TimePoint ValidUntil(const CertPtr& certificate);
[[nodiscard]] bool IsSignedBy(const CertPtr& certificate, const KeyPtr& issuer_key);
[[nodiscard]] bool Belongs(const CertPtr& certificate, const KeyPtr& key);
// True when the certificate's alternative names are exactly these.
[[nodiscard]] bool HasAltNames(const CertPtr& certificate, const std::string& alt_names);

}  // namespace penstock::gateway
