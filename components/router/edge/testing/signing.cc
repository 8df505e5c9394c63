#include "components/router/edge/testing/signing.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "operator/base/base64.h"
#include "operator/base/json_member.h"

namespace penstock::router {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

void Must(bool good) {
  if (!good) std::abort();
}

std::string TextIn(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string BytesOf(const TestKey& key, const char* name, int size = 0) {
  BIGNUM* number = nullptr;
  Must(EVP_PKEY_get_bn_param(key.get(), name, &number) == 1);
  std::vector<unsigned char> bytes(
      static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(number)));
  Must(BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size())) > 0);
  BN_free(number);
  return {bytes.begin(), bytes.end()};
}

std::string Signature(const std::string& text, const TestKey& key, const EVP_MD* digest) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  Must(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()) == 1);
  Must(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
  std::string signature(size, '\0');
  Must(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                      bytes, text.size()) == 1);
  signature.resize(size);
  return signature;
}

// r and s one after the other, as tokens have them.
std::string FromDer(const std::string& der, int half) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
  Must(signature != nullptr);
  std::vector<unsigned char> raw(2 * static_cast<std::size_t>(half));
  Must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw.data(), half) > 0);
  Must(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw.data() + half, half) > 0);
  ECDSA_SIG_free(signature);
  return {raw.begin(), raw.end()};
}

int HalfOf(const TestKey& key) { return (EVP_PKEY_get_bits(key.get()) + 7) / 8; }

}  // namespace

TestKey NewRsaKey(unsigned bits) { return {EVP_RSA_gen(bits), EVP_PKEY_free}; }
TestKey NewEcKey(const std::string& curve) { return {EVP_EC_gen(curve.c_str()), EVP_PKEY_free}; }

std::string PemOf(const TestKey& key) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  Must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
       1);
  return TextIn(bio.get());
}

std::string CertificateOf(const TestKey& key, const std::string& common_name,
                          std::chrono::seconds until) {
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  X509* const c = made.get();
  Must(X509_set_version(c, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
  X509_gmtime_adj(X509_getm_notBefore(c), -7200);
  X509_gmtime_adj(X509_getm_notAfter(c), until.count());
  Must(X509_set_pubkey(c, key.get()) == 1);
  X509_NAME* const name = X509_get_subject_name(c);
  Must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                  -1, 0) == 1);
  Must(X509_set_issuer_name(c, name) == 1 && X509_sign(c, key.get(), EVP_sha256()) > 0);
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  Must(PEM_write_bio_X509(bio.get(), c) == 1);
  return TextIn(bio.get());
}

std::string Base64Url(std::string text) {
  text = EncodeBase64(text);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  return text;
}

Json JwkOf(const TestKey& key, const std::string& id) {
  Json jwk{{"kid", id}, {"use", "sig"}};
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    jwk["kty"] = "RSA";
    jwk["n"] = Base64Url(BytesOf(key, OSSL_PKEY_PARAM_RSA_N));
    jwk["e"] = Base64Url(BytesOf(key, OSSL_PKEY_PARAM_RSA_E));
    return jwk;
  }
  jwk["kty"] = "EC";
  jwk["crv"] = HalfOf(key) == 32 ? "P-256" : "P-384";
  jwk["x"] = Base64Url(BytesOf(key, OSSL_PKEY_PARAM_EC_PUB_X, HalfOf(key)));
  jwk["y"] = Base64Url(BytesOf(key, OSSL_PKEY_PARAM_EC_PUB_Y, HalfOf(key)));
  return jwk;
}

std::string TokenOf(const Json& header, const Json& claims, const TestKey& key) {
  const std::string text = Base64Url(header.dump()) + "." + Base64Url(claims.dump());
  const std::string algorithm = TextAt(header, "alg");
  const EVP_MD* digest = algorithm.ends_with("256")   ? EVP_sha256()
                         : algorithm.ends_with("384") ? EVP_sha384()
                                                      : EVP_sha512();
  if (algorithm.starts_with("RS")) return text + "." + Base64Url(Signature(text, key, digest));
  if (algorithm.starts_with("ES"))
    return text + "." + Base64Url(FromDer(Signature(text, key, digest), HalfOf(key)));
  return text + ".";
}

}  // namespace penstock::router
