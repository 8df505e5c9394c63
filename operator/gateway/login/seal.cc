#include "operator/gateway/login/seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kNonce = 12, kTag = 16, kMostSealed = 16 * 1024;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
Cipher NewCipher() { return {EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free}; }

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

Result<Seal> Seal::Make(std::string_view key) {
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' '))
    key.remove_suffix(1);
  if (key.size() < kLeastSealKey)
    return Invalid("it has " + std::to_string(key.size()) + " bytes, and must have at least " +
                   std::to_string(kLeastSealKey) + " that nobody can guess");
  return Seal(HmacSha256(key, "penstock cookies 1"));
}

Result<std::string> Seal::Close(std::string_view purpose, std::string_view text) const {
  std::string out(kNonce + text.size() + kTag, '\0');
  const Cipher cipher = NewCipher();
  int done = 0, last = 0;
  unsigned char* const body = Bytes(out) + kNonce;
  const bool good =
      cipher && RAND_bytes(Bytes(out), kNonce) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(out)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &last, Bytes(purpose),
                        static_cast<int>(purpose.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &done, Bytes(text), static_cast<int>(text.size())) ==
          1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + done, &last) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, body + text.size()) == 1;
  if (!good) return Internal("sealing a cookie failed");
  return WebSafe(out);
}

std::optional<std::string> Seal::Open(std::string_view purpose, std::string_view sealed) const {
  if (sealed.size() > kMostSealed) return std::nullopt;
  auto raw = DecodeAnyBase64(sealed);
  if (!raw || raw->size() < kNonce + kTag) return std::nullopt;
  const std::size_t size = raw->size() - kNonce - kTag;
  std::string text(size, '\0');
  const Cipher cipher = NewCipher();
  unsigned char* const body = Bytes(*raw) + kNonce;
  int done = 0, last = 0;
  const bool good =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(*raw)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &last, Bytes(purpose),
                        static_cast<int>(purpose.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(text), &done, body, static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, body + size) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(text) + done, &last) == 1;
  if (!good) return std::nullopt;
  return text;
}

std::string WebSafe(std::string_view bytes) {
  std::string text = EncodeBase64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

Result<std::string> RandomText() {
  std::string bytes(32, '\0');
  if (RAND_bytes(Bytes(bytes), static_cast<int>(bytes.size())) != 1)
    return Internal("no random bytes were to be had");
  return WebSafe(bytes);
}

}  // namespace penstock::gateway::login
