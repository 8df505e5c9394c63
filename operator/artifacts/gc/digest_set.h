// Digests and what is known of each, in memory that a million of them fit into: 33 bytes each, 33
// MB, in 65,536 sorted runs by the first two bytes (about 15 a run). What a run holds in reserve,
// the runs themselves and the allocator's own come to about 6 MB: 39 MB, or 37 MiB, of a million.
// Used by one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::artifacts {

using Digest = std::array<std::uint8_t, 32>;

// Of "sha256:<64 hex>", or of its 64 digits alone, which it must be.
[[nodiscard]] inline Digest DigestOf(std::string_view text) {
  const auto nibble = [](char c) {
    return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  if (text.size() > 64) text.remove_prefix(text.size() - 64);
  Digest out{};
  for (std::size_t i = 0; i < out.size() && 2 * i + 1 < text.size(); ++i)
    out[i] = static_cast<std::uint8_t>(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
  return out;
}

[[nodiscard]] inline std::string TextOf(const Digest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "sha256:";
  for (const std::uint8_t byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

class DigestSet {
 public:
  // Adds these bits to what is known of it.
  void Add(const Digest& digest, std::uint8_t bits) {
    Run& run = RunOf(digest);
    const auto at = Find(run, digest);
    if (at != run.end() && at->digest == digest) {
      at->bits |= bits;
      return;
    }
    const auto index = at - run.begin();
    if (run.size() == run.capacity())
      run.reserve(run.size() + std::max<std::size_t>(2, run.size() / 8));
    run.insert(run.begin() + index, Entry{digest, bits});
    ++size_;
  }
  // 0: nothing is known of it.
  [[nodiscard]] std::uint8_t BitsOf(const Digest& digest) const {
    Run& run = RunOf(digest);
    const auto at = Find(run, digest);
    return at != run.end() && at->digest == digest ? at->bits : std::uint8_t{0};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  // Of each that has one of `bits`, in order; what `visit` adds may be visited or not.
  void Each(std::uint8_t bits,
            const std::function<bool(const Digest& digest, std::uint8_t bits)>& visit) const {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const Run now = runs_[i];
      for (const Entry& entry : now)
        if ((entry.bits & bits) != 0 && !visit(entry.digest, entry.bits)) return;
    }
  }

 private:
  struct Entry {
    Digest digest;
    std::uint8_t bits;
  };
  using Run = std::vector<Entry>;

  [[nodiscard]] Run& RunOf(const Digest& digest) const {
    return runs_[std::size_t{digest[0]} << 8 | digest[1]];
  }
  static Run::iterator Find(Run& run, const Digest& digest) {
    return std::lower_bound(run.begin(), run.end(), digest,
                            [](const Entry& e, const Digest& d) { return e.digest < d; });
  }

  mutable std::vector<Run> runs_ = std::vector<Run>(1 << 16);
  std::size_t size_ = 0;
};

// Hands on each "sha256:<64 hex>" of a text, whatever the text is.
template <typename Take>
void EachDigestIn(std::string_view text, const Take& take) {
  constexpr std::string_view kBegin = "sha256:";
  for (std::size_t at = text.find(kBegin); at != text.npos; at = text.find(kBegin, at)) {
    at += kBegin.size();
    const std::string_view hex = text.substr(at, 64);
    if (hex.size() < 64) return;
    if (hex.find_first_not_of("0123456789abcdef") == hex.npos) take(DigestOf(hex));
  }
}

}  // namespace penstock::artifacts
