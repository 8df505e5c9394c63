// Bytes on their way into a bucket, held against what they were announced as while they pass: those
// that are others are told before the last of them has gone, so that the store keeps none. Used by
// one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "operator/artifacts/objects.h"
#include "operator/artifacts/pack.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {

class CheckedSource {
 public:
  CheckedSource(const ByteSource& source, const std::string& digest, std::uint64_t bytes)
      : source_(source), digest_(digest), left_(bytes) {}

  [[nodiscard]] Result<std::string_view> Next() {
    auto piece = source_();
    if (!piece) return piece;
    if (piece->size() > left_) return Damaged("longer than its length says");
    left_ -= piece->size();
    if (!done_) hasher_.Update(*piece);
    if (piece->empty() && left_ > 0) return Damaged("shorter than its length says");
    if (left_ > 0 || std::exchange(done_, true)) return piece;
    const std::string actual = "sha256:" + hasher_.HexDigest();
    if (actual != digest_) return DigestMismatch("the blob", digest_, actual);
    return piece;
  }

 private:
  static Error Damaged(const std::string& why) {
    Error error = Invalid("the blob is " + why);
    error.kind = ErrorKind::kDamaged;
    return error;
  }

  const ByteSource& source_;
  const std::string digest_;
  std::uint64_t left_;
  Sha256 hasher_;
  bool done_ = false;
};

// A source in parts of given sizes, whatever its own pieces are.
class PieceCutter {
 public:
  explicit PieceCutter(const ByteSource& source) : source_(source) {}

  // At most `left` bytes, which are taken from it.
  [[nodiscard]] Result<std::string_view> Next(std::uint64_t& left) {
    if (left == 0) return std::string_view();
    if (rest_.empty()) {
      auto piece = source_();
      if (!piece) return piece;
      rest_ = *piece;
    }
    const std::string_view out = rest_.substr(0, left);
    rest_.remove_prefix(out.size());
    left -= out.size();
    return out;
  }

 private:
  const ByteSource& source_;
  std::string_view rest_;
};

}  // namespace penstock::artifacts
