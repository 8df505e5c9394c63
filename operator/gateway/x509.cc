#include "operator/gateway/x509.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

namespace penstock::gateway {
namespace {

Error OpenSslError(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return Internal(what + ": " + text.data());
}

KeyPtr Own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }
CertPtr Own(X509* certificate) { return {certificate, X509_free}; }
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, 16> raw{};
  if (RAND_bytes(raw.data(), raw.size()) != 1) return false;
  raw[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(raw.data(), raw.size(), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool SetTime(ASN1_TIME* field, TimePoint t) {
  return ASN1_TIME_adj(field, std::chrono::system_clock::to_time_t(t), 0, 0) != nullptr;
}

TimePoint ReadTime(const ASN1_TIME* field) {
  std::tm tm{};
  ASN1_TIME_to_tm(field, &tm);
  return std::chrono::system_clock::from_time_t(::timegm(&tm));
}

bool AddExtensions(X509* c, X509* issuer, const CertRequest& r) {
  bool good = AddExtension(c, issuer, NID_subject_key_identifier, "hash");
  good = good && AddExtension(c, issuer, NID_authority_key_identifier, "keyid:always");
  if (r.authority)
    return good && AddExtension(c, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
           AddExtension(c, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  return good && AddExtension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(c, issuer, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(c, issuer, NID_ext_key_usage, "serverAuth") &&
         AddExtension(c, issuer, NID_subject_alt_name, r.alt_names);
}

}  // namespace

Result<KeyPtr> NewKey() {
  KeyPtr key = Own(EVP_EC_gen("P-256"));
  if (!key) return OpenSslError("making a key");
  return key;
}

Result<CertPtr> Certify(const CertRequest& r, const KeyPtr& key, const CertPtr& issuer,
                        const KeyPtr& issuer_key) {
  CertPtr c = Own(X509_new());
  X509* raw = c.get();
  bool good = c && X509_set_version(raw, X509_VERSION_3) == 1 && SetSerial(raw) &&
              SetTime(X509_getm_notBefore(raw), r.from) &&
              SetTime(X509_getm_notAfter(raw), r.until) && X509_set_pubkey(raw, key.get()) == 1;
  X509_NAME* name = good ? X509_get_subject_name(raw) : nullptr;
  good = good && X509_NAME_add_entry_by_txt(
                     name, "CN", MBSTRING_UTF8,
                     reinterpret_cast<const unsigned char*>(r.common_name.c_str()), -1, -1, 0) == 1;
  X509* signer = issuer ? issuer.get() : raw;
  good = good && X509_set_issuer_name(raw, X509_get_subject_name(signer)) == 1 &&
         AddExtensions(raw, signer, r) && X509_sign(raw, issuer_key.get(), EVP_sha256()) > 0;
  if (!good) return OpenSslError("making the certificate of " + r.common_name);
  return c;
}

std::string ToPem(const CertPtr& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(bio.get(), certificate.get());
  return Text(bio.get());
}

std::string ToPem(const KeyPtr& key) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return Text(bio.get());
}

Result<PemContent> ParsePem(const std::string& text) {
  PemContent out;
  const auto open = [&] {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
  };
  const Bio keys = open();
  out.key = Own(PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr));
  const Bio certificates = open();
  while (X509* c = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr))
    out.certificates.push_back(Own(c));
  ERR_clear_error();
  if (!out.key || out.certificates.empty()) return Invalid("holds no key with its certificate");
  return out;
}

TimePoint ValidFrom(const CertPtr& c) { return ReadTime(X509_get0_notBefore(c.get())); }
TimePoint ValidUntil(const CertPtr& c) { return ReadTime(X509_get0_notAfter(c.get())); }

bool IsSignedBy(const CertPtr& certificate, const KeyPtr& issuer_key) {
  const bool good = X509_verify(certificate.get(), issuer_key.get()) == 1;
  ERR_clear_error();
  return good;
}

bool Belongs(const CertPtr& certificate, const KeyPtr& key) {
  const bool good = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return good;
}

bool HasAltNames(const CertPtr& certificate, const std::string& alt_names) {
  X509_EXTENSION* wanted =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alt_names.c_str());
  const int at = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1);
  bool same = false;
  if (wanted != nullptr && at >= 0)
    same = ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(certificate.get(), at)),
                                 X509_EXTENSION_get_data(wanted)) == 0;
  X509_EXTENSION_free(wanted);
  return same;
}

}  // namespace penstock::gateway
