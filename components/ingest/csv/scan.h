// Looks through bytes 64 at a time. A buffer that is looked through has kPadding zeros at its end.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "components/ingest/csv/dialect.h"

namespace penstock::ingest {

inline constexpr std::size_t kPadding = 64;

// A bit for each of the 64 bytes at `at` that is one of the four.
inline std::uint64_t BitsOf(const char* at, char a, char b, char c, char d) {
  std::uint64_t bits = 0;
#if defined(__SSE2__)
  for (int i = 0; i < 4; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    const __m128i first =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
    const __m128i second =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)), _mm_cmpeq_epi8(v, _mm_set1_epi8(d)));
    const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(first, second)));
    bits |= std::uint64_t(found) << (16 * i);
  }
#else
  for (int i = 0; i < 64; ++i) {
    const bool found = at[i] == a || at[i] == b || at[i] == c || at[i] == d;
    bits |= std::uint64_t(found) << i;
  }
#endif
  return bits;
}

// Line feeds in [begin, end).
inline std::int64_t CountLines(const char* begin, const char* end) {
  std::int64_t lines = 0;
  for (; end - begin >= 64; begin += 64)
    lines += std::popcount(BitsOf(begin, '\n', '\n', '\n', '\n'));
  for (; begin < end; ++begin) lines += *begin == '\n';
  return lines;
}

// The quote that closes the value which begins at `at`, behind its opening quote; npos when there
// is none. `escaped` is set when something within stands for something else.
inline std::size_t CloseOfQuote(std::string_view text, std::size_t at, const Dialect& dialect,
                                bool& escaped) {
  while (at < text.size()) {
    if (!dialect.backslash) {
      const void* found = std::memchr(text.data() + at, dialect.quote, text.size() - at);
      if (found == nullptr) return std::string_view::npos;
      at = std::size_t(static_cast<const char*>(found) - text.data());
    } else if (text[at] == '\\' && at + 1 < text.size() &&
               (text[at + 1] == dialect.quote || text[at + 1] == '\\')) {
      escaped = true;
      at += 2;
      continue;
    } else if (text[at] != dialect.quote) {
      ++at;
      continue;
    }
    if (at + 1 >= text.size() || text[at + 1] != dialect.quote) return at;
    escaped = true;
    at += 2;
  }
  return std::string_view::npos;
}

}  // namespace penstock::ingest
