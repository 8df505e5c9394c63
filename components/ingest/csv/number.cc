#include "components/ingest/csv/number.h"

#include <cmath>
#include <limits>
#include <string>

namespace penstock::ingest {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The parts of [-]digits[mark digits][e[+-]digits].
struct NumberParts {
  bool negative = false;
  std::string_view whole;
  bool marked = false;
  std::string_view fraction;
  std::string_view exponent;  // with its sign; empty when there is none
};

std::string_view TakeDigits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::optional<NumberParts> Parts(std::string_view text, char mark) {
  NumberParts parts;
  if (!text.empty() && text.front() == '-') {
    parts.negative = true;
    text.remove_prefix(1);
  }
  parts.whole = TakeDigits(text);
  if (!text.empty() && text.front() == mark) {
    parts.marked = true;
    text.remove_prefix(1);
    parts.fraction = TakeDigits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  if (text.empty()) return parts;
  if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
  text.remove_prefix(1);
  const auto exponent = text;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (TakeDigits(text).empty() || !text.empty()) return std::nullopt;
  parts.exponent = exponent;
  return parts;
}

// As std::from_chars reads it.
std::string Written(const NumberParts& parts) {
  std::string out = parts.negative ? "-" : "";
  out += parts.whole;
  if (!parts.fraction.empty()) (out += '.') += parts.fraction;
  if (!parts.exponent.empty()) (out += 'e') += parts.exponent;
  return out;
}

std::optional<double> Nearest(const std::string& written) {
  double value = 0;
  const char* end = written.data() + written.size();
  const auto result = std::from_chars(written.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

// Does `value`, shown with as many digits as were written, show these digits?
bool ShowsAgain(const NumberParts& parts, double value) {
  std::string digits = std::string(parts.whole) + std::string(parts.fraction);
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return value == 0;
  digits.erase(0, first);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.size() <= 15 && std::abs(value) >= std::numeric_limits<double>::min()) return true;
  char shown[900];
  if (digits.size() > 800) return false;
  const auto result = std::to_chars(shown, shown + sizeof shown, std::abs(value),
                                    std::chars_format::scientific, int(digits.size()) - 1);
  if (result.ec != std::errc()) return false;
  std::string again(shown, result.ptr);
  again.erase(again.find('e'));
  if (digits.size() > 1) again.erase(1, 1);  // the point
  return again == digits;
}

// Only of a number that may be told: a plus in front counts for nothing.
std::string_view WithoutPlus(std::string_view text) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

}  // namespace

Number ParseNumber(std::string_view text, char mark) {
  const auto parts = Parts(text, mark);
  if (!parts || (parts->whole.size() > 1 && parts->whole.front() == '0')) return {};
  const bool zero = parts->whole == "0";
  if (!parts->marked && parts->exponent.empty() && !(zero && parts->negative)) {
    std::int64_t integer = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, integer);
    if (result.ec != std::errc() || result.ptr != end) return {};
    return {NumberForm::kInteger, integer, 0};
  }
  const auto value = Nearest(Written(*parts));
  if (!value || !ShowsAgain(*parts, *value)) return {};
  return {parts->marked ? NumberForm::kMarked : NumberForm::kPlain, 0, *value};
}

std::optional<std::int64_t> ParseIntegerAsTold(std::string_view text) {
  const auto parts = Parts(WithoutPlus(text), '.');
  // 40.0 is an integer that somebody's program kept beside gaps.
  if (!parts || !parts->exponent.empty() || parts->whole.empty() ||
      parts->fraction.find_first_not_of('0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string written = (parts->negative ? "-" : "") + std::string(parts->whole);
  std::int64_t value = 0;
  const char* end = written.data() + written.size();
  const auto result = std::from_chars(written.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> ParseRealAsTold(std::string_view text, char mark) {
  const auto parts = Parts(WithoutPlus(text), mark);
  if (!parts) return std::nullopt;
  return Nearest(Written(*parts));
}

}  // namespace penstock::ingest
