// MD5, on OpenSSL: what some protocols name bytes by. Never for what must withstand anybody. Used
// by one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace penstock::s3 {

class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;
  void Update(std::string_view data);
  // 32 lower-case hex digits; "" where OpenSSL offers no MD5 (a FIPS provider). The object may not
  // be used after it.
  [[nodiscard]] std::string HexDigest();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::s3
