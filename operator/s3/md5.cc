#include "operator/s3/md5.h"

#include <openssl/evp.h>

#include <array>

namespace penstock::s3 {

struct Md5::Impl {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  bool good = false;
  ~Impl() { EVP_MD_CTX_free(ctx); }
};

Md5::Md5() : impl_(std::make_unique<Impl>()) {
  impl_->good = impl_->ctx != nullptr && EVP_DigestInit_ex(impl_->ctx, EVP_md5(), nullptr) == 1;
}
Md5::~Md5() = default;

void Md5::Update(std::string_view data) {
  if (impl_->good) EVP_DigestUpdate(impl_->ctx, data.data(), data.size());
}

std::string Md5::HexDigest() {
  if (!impl_->good) return "";
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->ctx, raw.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += kDigits[raw[i] >> 4];
    out += kDigits[raw[i] & 15];
  }
  return out;
}

}  // namespace penstock::s3
