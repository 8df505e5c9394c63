// CRC-32C (Castagnoli; RFC 3720, B.4), as S3 writes it: base64 of four bytes, the highest first. By
// the processor's own instruction where it has one. An object is used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::s3 {

class Crc32c {
 public:
  void Update(std::string_view bytes);
  [[nodiscard]] std::uint32_t Value() const { return ~state_; }
  [[nodiscard]] std::string Base64() const;

 private:
  std::uint32_t state_ = 0xFFFFFFFF;
};

// The same by table, whatever the processor: what the tests hold the instruction against.
[[nodiscard]] std::uint32_t Crc32cByTable(std::string_view bytes);

}  // namespace penstock::s3
