// Keys for tests, made anew each time. For tests only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <functional>
#include <string>

namespace penstock::signing {

struct KeyPair {
  std::string private_pem, public_pem, encrypted_pem;
};

// Of a curve such as "P-256"; "" makes an Ed25519 key.
[[nodiscard]] inline KeyPair MakeKeys(const std::string& curve) {
  EVP_PKEY* key =
      curve.empty() ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen(curve.c_str());
  const auto text = [&](const std::function<int(BIO*)>& write) {
    BIO* out = BIO_new(BIO_s_mem());
    std::string pem;
    char* bytes = nullptr;
    if (key != nullptr && write(out) == 1) {
      const long size = BIO_get_mem_data(out, &bytes);
      pem.assign(bytes, static_cast<std::size_t>(size));
    }
    BIO_free_all(out);
    return pem;
  };
  char password[] = "x";
  KeyPair pair;
  pair.private_pem = text([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  pair.encrypted_pem = text([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), password, 1, nullptr,
                                         nullptr);
  });
  pair.public_pem = text([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key); });
  EVP_PKEY_free(key);
  return pair;
}

}  // namespace penstock::signing
