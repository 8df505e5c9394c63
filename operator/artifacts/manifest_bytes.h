// The bytes of a manifest on their way to a JSON parser. Used by manifest_reader.cc, by one thread.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {

inline constexpr std::size_t kManifestPiece = 64 * 1024;
inline constexpr std::size_t kLongestWord = 32 * 1024;  // a path of 4096 bytes, every one as \u0000

// The bytes of a text or a file as the parser asks for them, digested on the way. Ends where a word
// (a string, a number) is longer than any of a manifest, so that the parser never holds a long one.
class ManifestBytes {
 public:
  explicit ManifestBytes(std::string_view text) : piece_(text), total_(text.size()) {}
  ManifestBytes(int fd, std::uint64_t limit)
      : fd_(fd), limit_(limit), buffer_(kManifestPiece, '\0') {
    Fill();
  }

  [[nodiscard]] bool AtEnd() const { return at_ == piece_.size(); }
  [[nodiscard]] char Here() const { return piece_[at_]; }
  void Advance() {
    Measure(piece_[at_]);
    if (++at_ == piece_.size() && fd_ >= 0 && !word_too_long_) Fill();
    if (word_too_long_) piece_ = piece_.substr(0, at_);
  }

  [[nodiscard]] bool word_too_long() const { return word_too_long_; }
  // The file goes on behind what may be read of it.
  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }
  [[nodiscard]] std::string Digest() {
    if (fd_ < 0) hasher_.Update(piece_);
    return "sha256:" + hasher_.HexDigest();
  }

 private:
  void Measure(char c) {
    const bool between =
        !in_string_ && std::string_view(",:[]{} \t\r\n").find(c) != std::string_view::npos;
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_ && c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = !in_string_;
    }
    word_ = between ? 0 : word_ + 1;
    word_too_long_ = word_ > kLongestWord;
  }

  void Fill() {
    at_ = 0;
    piece_ = {};
    const std::uint64_t left = limit_ - total_;
    cut_ = left == 0;
    if (cut_) return;
    ssize_t n = 0;
    do {
      n = ::read(fd_, buffer_.data(), std::min<std::uint64_t>(kManifestPiece, left));
    } while (n < 0 && errno == EINTR);
    if (n < 0) failed_ = FromErrno("reading a manifest", errno);
    if (n <= 0) return;
    piece_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
    total_ += static_cast<std::uint64_t>(n);
    hasher_.Update(piece_);
  }

  int fd_ = -1;
  std::uint64_t limit_ = 0;
  std::string buffer_;
  std::string_view piece_;
  std::size_t at_ = 0;
  std::uint64_t total_ = 0;
  Sha256 hasher_;
  std::optional<Error> failed_;
  std::size_t word_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool word_too_long_ = false;
  bool cut_ = false;
};

// What the library's parser takes for a text.
class ManifestCursor {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = char;
  using pointer = const char*;
  using reference = char;
  using iterator_category = std::input_iterator_tag;

  explicit ManifestCursor(ManifestBytes* bytes = nullptr) : bytes_(bytes) {}
  char operator*() const { return bytes_->Here(); }
  ManifestCursor& operator++() {
    bytes_->Advance();
    return *this;
  }
  ManifestCursor operator++(int) {
    ManifestCursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const ManifestCursor& other) const { return Done() == other.Done(); }
  bool operator!=(const ManifestCursor& other) const { return !(*this == other); }

 private:
  [[nodiscard]] bool Done() const { return bytes_ == nullptr || bytes_->AtEnd(); }
  ManifestBytes* bytes_;
};

}  // namespace penstock::artifacts
