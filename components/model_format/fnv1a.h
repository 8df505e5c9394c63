// FNV-1a, 64 bit (Fowler, Noll, Vo; parameters of draft-eastlake-fnv): the bucket of a category or
// an n-gram must not depend on the standard library. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::sdk {

[[nodiscard]] inline std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// Of the eight bytes, the least first.
[[nodiscard]] inline std::uint64_t Fnv1a(std::int64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(std::uint64_t(value) >> (8 * i));
  return Fnv1a(std::string_view(bytes, sizeof bytes));
}

}  // namespace penstock::sdk
