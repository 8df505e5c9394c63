// Whole numbers, which Kubernetes keeps exactly within 64 bits and rounds to doubles beyond. Pure.
#pragma once

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/json.h"

namespace penstock {

// 1.0 is 1, and what fits no 64-bit integer is a double: what becomes of numbers in Kubernetes'
// JSON.
inline void ReadNumbersAsKubernetes(Json& value) {
  if (value.is_structured()) {
    for (auto& item : value) ReadNumbersAsKubernetes(item);
  } else if (value.is_number_float()) {
    const double d = value.get<double>();
    if (std::floor(d) == d && std::fabs(d) < 9.2e18) value = static_cast<std::int64_t>(d);
  } else if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    value = value.get<double>();
  }
}

// A decimal number as its digits without zeros at either end, and the power of ten of the last.
struct Decimal {
  std::string digits;  // "" for zero, and for what is no decimal number
  long exponent = 0;
  bool operator==(const Decimal&) const = default;
};

inline Decimal DecimalOf(std::string_view text) {
  Decimal d;
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  bool fraction = false;
  for (; at < text.size() && (std::isdigit(static_cast<unsigned char>(text[at])) != 0 ||
                              (text[at] == '.' && !fraction));
       ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    d.digits += text[at];
    d.exponent -= fraction ? 1 : 0;
  }
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return {};
    const char* first =
        text.data() + at + 1 + (at + 1 < text.size() && text[at + 1] == '+' ? 1 : 0);
    long power = 0;
    const auto [end, ec] = std::from_chars(first, text.data() + text.size(), power);
    if (ec != std::errc() || end != text.data() + text.size()) return {};
    d.exponent += power;
  }
  d.digits.erase(0, std::min(d.digits.find_first_not_of('0'), d.digits.size()));
  while (d.digits.ends_with('0')) {
    d.digits.pop_back();
    ++d.exponent;
  }
  return d;
}

// Whether `text` writes a whole number that `value`, read from it, does not hold: more digits than
// a double has, beyond 2^53.
inline bool IsRounded(std::string_view text, const Json& value) {
  if (!value.is_number()) return false;
  const Decimal written = DecimalOf(text);
  if (written.digits.empty())  // 0x and its like
    return value.is_number_float() && std::fabs(value.get<double>()) >= 9.2e18;
  if (written.exponent < 0 || written.digits.size() <= 15) return false;
  return !(DecimalOf(value.dump()) == written);
}

// The first such number of a JSON text; "" where there is none.
inline std::string RoundedNumberIn(const std::string& json) {
  struct Finder : nlohmann::json_sax<Json> {
    std::string found;
    bool Look(const std::string& text, Json value) {
      ReadNumbersAsKubernetes(value);
      if (IsRounded(text, value)) found = text;
      return found.empty();
    }
    bool number_unsigned(number_unsigned_t n) override { return Look(std::to_string(n), n); }
    bool number_float(number_float_t n, const std::string& text) override { return Look(text, n); }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(std::string&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
      return false;
    }
  } finder;
  Json::sax_parse(json, &finder);
  return finder.found;
}

// What to say of it.
inline std::string WhyRounded(const std::string& number) {
  return number +
         " is a whole number that would be rounded: Kubernetes keeps 64 bits; declare it as " +
         "a string and write it in quotes";
}

}  // namespace penstock
