#include "operator/signing/ec_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::signing {

struct EcKey::Impl {
  explicit Impl(EVP_PKEY* the_key) : key(the_key) {}
  ~Impl() { EVP_PKEY_free(key); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // That goes with the curve; null: of another curve or kind.
  [[nodiscard]] const EVP_MD* Hash() const {
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return nullptr;
    char group[64] = "";
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return nullptr;
    const std::string_view curve(group, size);
    if (curve == "prime256v1") return EVP_sha256();
    if (curve == "secp384r1") return EVP_sha384();
    if (curve == "secp521r1") return EVP_sha512();
    return nullptr;
  }

  EVP_PKEY* const key;
};

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestPtr = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

BioPtr Reading(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is asked for the password of an encrypted key.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*more*/) { return -1; }

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Result<EcKey> EcKey::Of(std::shared_ptr<const Impl> key) {
  if (key->Hash() == nullptr)
    return Invalid(
        "the key is of another kind than ECDSA on P-256, P-384 or P-521: `openssl "
        "ecparam -name prime256v1 -genkey -noout` makes one");
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PUBKEY(out.get(), key->key) != 1)
    return Internal("OpenSSL does not write the public key");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  EcKey made;
  made.key_ = std::move(key);
  made.public_pem_.assign(text, static_cast<std::size_t>(size));
  made.hint_ = Sha256Hex(made.public_pem_);
  return made;
}

Result<EcKey> EcKey::ReadPrivate(const std::string& pem) {
  ERR_clear_error();
  EVP_PKEY* key = PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, NoPassword, nullptr);
  ERR_clear_error();
  if (key != nullptr) return Of(std::make_shared<Impl>(key));
  const bool encrypted = pem.find("ENCRYPTED") != std::string::npos;
  return Invalid(encrypted ? "the private key is encrypted: `openssl pkey -in key.pem` writes it "
                             "without a password"
                           : "it holds no private key in PEM (-----BEGIN PRIVATE KEY-----)");
}

Result<EcKey> EcKey::ReadPublic(const std::string& pem) {
  ERR_clear_error();
  EVP_PKEY* key = PEM_read_bio_PUBKEY(Reading(pem).get(), nullptr, NoPassword, nullptr);
  ERR_clear_error();
  if (key != nullptr) return Of(std::make_shared<Impl>(key));
  const bool is_private = pem.find("PRIVATE KEY") != std::string::npos;
  return Invalid(is_private ? "it holds a private key; the public one is wanted here: `openssl "
                              "pkey -in key.pem -pubout` prints it"
                            : "it holds no public key in PEM (-----BEGIN PUBLIC KEY-----)");
}

Result<std::string> EcKey::Sign(std::string_view bytes) const {
  const DigestPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, key_->Hash(), nullptr, key_->key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, Bytes(bytes), bytes.size()) != 1)
    return Internal("OpenSSL does not sign with this key");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(bytes), bytes.size()) != 1)
    return Internal("OpenSSL does not sign with this key");
  signature.resize(size);
  return signature;
}

bool EcKey::Verifies(std::string_view bytes, std::string_view signature) const {
  const DigestPtr context(EVP_MD_CTX_new());
  const bool good =
      context &&
      EVP_DigestVerifyInit(context.get(), nullptr, key_->Hash(), nullptr, key_->key) == 1 &&
      EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(bytes),
                       bytes.size()) == 1;
  ERR_clear_error();  // what is not signed is nobody's error later
  return good;
}

}  // namespace penstock::signing
