// Keys, certificates and tokens that tests make for themselves. All of it aborts where OpenSSL
// fails: then the machine is broken, not the test.
#pragma once

#include <openssl/evp.h>

#include <chrono>
#include <memory>
#include <string>

#include "operator/base/json.h"

namespace penstock::router {

using TestKey = std::shared_ptr<EVP_PKEY>;

[[nodiscard]] TestKey NewRsaKey(unsigned bits = 2048);
[[nodiscard]] TestKey NewEcKey(const std::string& curve = "P-256");
[[nodiscard]] std::string PemOf(const TestKey& key);  // the private one
// Signed by itself, for "localhost"; ends so long from now.
[[nodiscard]] std::string CertificateOf(const TestKey& key, const std::string& common_name,
                                        std::chrono::seconds until = std::chrono::hours(1));

[[nodiscard]] std::string Base64Url(std::string text);
// Its public half as a key of a set.
[[nodiscard]] Json JwkOf(const TestKey& key, const std::string& id);
// A token of these, signed as the header's "alg" says; with another "alg" the signature is empty.
[[nodiscard]] std::string TokenOf(const Json& header, const Json& claims, const TestKey& key);

}  // namespace penstock::router
