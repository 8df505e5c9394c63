// SHA-256, its HMAC and hexadecimal, on OpenSSL. A Sha256 object is used by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace penstock {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(const void* data, std::size_t size);
  void Update(std::string_view data) { Update(data.data(), data.size()); }

  // 64 lower-case hex digits. The object may not be used after it.
  [[nodiscard]] std::string HexDigest();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// 64 lower-case hex digits of the text.
[[nodiscard]] std::string Sha256Hex(std::string_view data);

// HMAC with SHA-256 (RFC 2104): 32 bytes.
[[nodiscard]] std::string HmacSha256(std::string_view key, std::string_view data);

// An artifact's name: "sha256:" and 64 lower-case hex digits.
[[nodiscard]] bool IsDigest(std::string_view text);

}  // namespace penstock
