#include "components/serve/protocol/long_integers.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "components/serve/protocol/json_read.h"

namespace penstock::serve {
namespace {

constexpr std::size_t kDigitsKept = 17;  // of a double's shortest form at most

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool Fits64(std::string_view digits, bool negative) {
  std::uint64_t value = 0;
  const auto end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, value).ec != std::errc()) return false;
  return !negative || value <= std::uint64_t{1} << 63;
}

// Past the string that begins at `at`.
std::size_t EndOfString(std::string_view body, std::size_t at) {
  for (++at; at < body.size() && body[at] != '"'; ++at) {
    if (body[at] == '\\') ++at;
  }
  return at + 1;
}

// The digits at [begin, begin + size) of the body.
void Shorten(std::string* body, std::size_t begin, std::size_t size, std::vector<double>* rounded) {
  const std::string digits = body->substr(begin, size);
  std::string text =
      digits.substr(0, kDigitsKept) + "e" + std::to_string(digits.size() - kDigitsKept);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (!SaysItsDigits(number, digits)) rounded->push_back(number);
  text.resize(size, ' ');
  body->replace(begin, size, text);
}

}  // namespace

bool RewriteLongIntegers(std::string* body, std::vector<double>* rounded) {
  bool any = false;
  std::size_t at = 0;
  while (at < body->size()) {
    if ((*body)[at] == '"') {
      at = EndOfString(*body, at);
      continue;
    }
    if (!IsDigit((*body)[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < body->size() && IsDigit((*body)[at])) ++at;
    const std::string_view digits(body->data() + begin, at - begin);
    const char before = begin > 0 ? (*body)[begin - 1] : ' ';
    const char after = at < body->size() ? (*body)[at] : ' ';
    const bool part = before == '.' || before == '+' || before == 'e' || before == 'E' ||
                      after == '.' || after == 'e' || after == 'E';
    if (part || digits.front() == '0' || Fits64(digits, before == '-')) continue;
    Shorten(body, begin, digits.size(), rounded);
    any = true;
  }
  std::sort(rounded->begin(), rounded->end());
  return any;
}

}  // namespace penstock::serve
