#include "operator/local/quantity.h"

#include <charconv>
#include <cmath>
#include <string>

namespace penstock::local {
namespace {

// The factor of a suffix, or 0 when there is none of that name.
long double Factor(std::string_view suffix) {
  struct Unit {
    std::string_view suffix;
    long double factor;
  };
  static constexpr Unit kUnits[] = {
      {"", 1.0L},
      {"n", 1e-9L},
      {"u", 1e-6L},
      {"m", 1e-3L},
      {"k", 1e3L},
      {"M", 1e6L},
      {"G", 1e9L},
      {"T", 1e12L},
      {"P", 1e15L},
      {"E", 1e18L},
      {"Ki", 1024.0L},
      {"Mi", 1048576.0L},
      {"Gi", 1073741824.0L},
      {"Ti", 1099511627776.0L},
      {"Pi", 1125899906842624.0L},
      {"Ei", 1152921504606846976.0L},
  };
  for (const Unit& unit : kUnits) {
    if (unit.suffix == suffix) return unit.factor;
  }
  return 0;
}

// 10^n for a decimal exponent suffix ("e3", "E-2"), or 0.
long double Exponent(std::string_view suffix) {
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return 0;
  std::string_view digits = suffix.substr(1);
  if (digits.front() == '+') digits.remove_prefix(1);
  int power = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), power);
  if (error != std::errc{} || end != digits.data() + digits.size()) return 0;
  if (power < -18 || power > 18) return 0;
  return std::pow(10.0L, power);
}

Error NotAQuantity(std::string_view text) {
  return Invalid("\"" + std::string(text) +
                 "\" is no quantity: write a number with an optional suffix, as 500m, 2 or 1.5Gi");
}

Result<long double> Parse(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, end);
  const std::string_view suffix = end == std::string_view::npos ? "" : text.substr(end);
  double value = 0;
  const auto [last, error] = std::from_chars(number.data(), number.data() + number.size(), value,
                                             std::chars_format::fixed);
  if (number.empty() || error != std::errc{} || last != number.data() + number.size()) {
    return NotAQuantity(text);
  }
  long double factor = Factor(suffix);
  if (factor == 0) factor = Exponent(suffix);
  if (factor == 0) return NotAQuantity(text);
  return static_cast<long double>(value) * factor;
}

Result<std::int64_t> RoundUp(long double value, std::string_view text) {
  // A double has 53 bits, so that 0.1 * 1000 may come out a little above 100.
  const long double rounded = std::ceil(value - 1e-9L);
  if (rounded >= 9.2e18L) return Invalid("quantity " + std::string(text) + " is too large");
  return static_cast<std::int64_t>(rounded);
}

}  // namespace

Result<std::int64_t> ParseMilliQuantity(std::string_view text) {
  const Result<long double> value = Parse(text);
  if (!value) return value.error();
  return RoundUp(*value * 1000, text);
}

Result<std::int64_t> ParseQuantity(std::string_view text) {
  const Result<long double> value = Parse(text);
  if (!value) return value.error();
  return RoundUp(*value, text);
}

}  // namespace penstock::local
