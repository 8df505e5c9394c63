// Numbers as a CSV writes them. Only what comes back as it was written is a number: no leading
// zeros, no plus, no 0x, no integer beyond int64, no more digits than a double holds, nothing that
// overflows or vanishes. Pure functions.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::ingest {

enum class NumberForm : std::uint8_t {
  kNone,
  kInteger,
  kPlain,   // a number without a mark: 1e5, -0
  kMarked,  // with a decimal mark: 1.5
};

struct Number {
  NumberForm form = NumberForm::kNone;
  std::int64_t integer = 0;
  double real = 0;  // of kPlain and kMarked
};

// `mark`: '.' or ','.
[[nodiscard]] Number ParseNumber(std::string_view text, char mark);

// What a person who gave the type means: 007, +5 and digits beyond a double's are numbers too.
[[nodiscard]] std::optional<std::int64_t> ParseIntegerAsTold(std::string_view text);
[[nodiscard]] std::optional<double> ParseRealAsTold(std::string_view text, char mark);

// The common cases, fast; false says nothing.
inline bool FastInteger(const char* at, std::size_t size, std::int64_t& value) {
  const bool negative = size > 0 && *at == '-';
  if (negative) ++at, --size;
  if (size == 0 || size > 18 || *at < '0' || (*at == '0' && (size > 1 || negative))) return false;
  std::int64_t sum = 0;
  for (const char* end = at + size; at < end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  value = negative ? -sum : sum;
  return true;
}

// Up to 15 digits and a mark: sum and power are exact, so their quotient is the nearest double.
inline bool FastReal(const char* at, std::size_t size, char mark, double& value) {
  static constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const bool negative = size > 0 && *at == '-';
  if (negative) ++at, --size;
  if (size < 3 || size > 16 || at[0] < '0' || at[0] > '9') return false;
  if (at[0] == '0' && at[1] != mark) return false;
  std::int64_t sum = 0;
  std::size_t behind = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto digit = static_cast<unsigned>(at[i] - '0');
    if (digit <= 9) {
      sum = sum * 10 + digit;
    } else if (at[i] == mark && behind == 0 && i + 1 < size) {
      behind = size - 1 - i;
    } else {
      return false;
    }
  }
  if (behind == 0) return false;
  value = double(sum) / kPowers[behind];
  if (negative) value = -value;
  return true;
}

}  // namespace penstock::ingest
