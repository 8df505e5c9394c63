#include "components/validate/personal/check_digits.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

namespace penstock::validate::personal {
namespace {

bool AreDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int NumberOf(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

struct Country {
  std::string_view code;
  std::size_t length;
};
// Of the IBAN registry.
constexpr std::array<Country, 44> kCountries = {{
    {"AD", 24}, {"AE", 23}, {"AT", 20}, {"AZ", 28}, {"BE", 16}, {"BG", 22}, {"BH", 22}, {"BR", 29},
    {"CH", 21}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DK", 18}, {"EE", 20}, {"ES", 24}, {"FI", 18},
    {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GR", 27}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23},
    {"IS", 26}, {"IT", 27}, {"KW", 30}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"MC", 27},
    {"MT", 31}, {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28}, {"PT", 25}, {"QA", 29}, {"RO", 24},
    {"SA", 24}, {"SE", 24}, {"SI", 19}, {"TR", 26},
}};

}  // namespace

bool LuhnHolds(std::string_view digits) {
  int sum = 0;
  bool doubled = false;
  for (auto at = digits.rbegin(); at != digits.rend(); ++at) {
    int digit = *at - '0';
    if (doubled) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
    doubled = !doubled;
  }
  return sum % 10 == 0;
}

bool HasCardForm(std::string_view digits) {
  const std::size_t n = digits.size();
  if (n < 13 || n > 19 || !AreDigits(digits)) return false;
  if (std::all_of(digits.begin() + 1, digits.end(), [](char c) { return c == '0'; })) {
    return false;  // 4000...: a placeholder
  }
  const int two = NumberOf(digits.substr(0, 2));
  const int four = NumberOf(digits.substr(0, 4));
  if (digits[0] == '4') return n == 13 || n == 16 || n == 19;                       // Visa
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return n == 16;   // Mastercard
  if (two == 34 || two == 37) return n == 15;                                       // Amex
  if (two == 36 || two == 38 || (four >= 3000 && four <= 3059)) return n == 14;     // Diners
  if (four >= 3528 && four <= 3589) return n >= 16;                                 // JCB
  if (two == 62) return n >= 16;                                                    // UnionPay
  return (four == 6011 || two == 65 || (four >= 6440 && four <= 6499)) && n == 16;  // Discover
}

bool HasResidentForm(std::string_view digits) {
  if (digits.size() != 13 || !AreDigits(digits)) return false;
  const int century = digits[6] - '0';
  if (century < 1 || century > 8) return false;
  const bool after_2000 = century == 3 || century == 4 || century == 7 || century == 8;
  const std::chrono::year_month_day born(
      std::chrono::year((after_2000 ? 2000 : 1900) + NumberOf(digits.substr(0, 2))),
      std::chrono::month(unsigned(NumberOf(digits.substr(2, 2)))),
      std::chrono::day(unsigned(NumberOf(digits.substr(4, 2)))));
  return born.ok();
}

bool ResidentCheckHolds(std::string_view digits) {
  constexpr std::array<int, 12> kWeights = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += kWeights[i] * (digits[i] - '0');
  const bool foreigner = digits[6] >= '5';
  return ((foreigner ? 13 : 11) - sum % 11) % 10 == digits[12] - '0';
}

bool HasIbanForm(std::string_view text) {
  if (text.size() < 15 || !AreDigits(text.substr(2, 2))) return false;
  const auto* at = std::find_if(kCountries.begin(), kCountries.end(),
                                [&](const Country& c) { return c.code == text.substr(0, 2); });
  return at != kCountries.end() && text.size() == at->length &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

bool IbanCheckHolds(std::string_view text) {
  int rest = 0;
  const auto add = [&rest](char c) {
    if (c >= 'A') {
      rest = (rest * 100 + (c - 'A' + 10)) % 97;
    } else {
      rest = (rest * 10 + (c - '0')) % 97;
    }
  };
  for (const char c : text.substr(4)) add(c);
  for (const char c : text.substr(0, 4)) add(c);
  return rest == 1;
}

}  // namespace penstock::validate::personal
