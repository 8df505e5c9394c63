// Numbers that prove themselves: their last digits follow from the others, so that most other
// numbers of the same form are none. Pure.
#pragma once

#include <string_view>

namespace penstock::validate::personal {

// Digits only. Luhn, ISO/IEC 7812-1 annex B.
[[nodiscard]] bool LuhnHolds(std::string_view digits);

// Has a card's length and the first digits of a network (Visa, Mastercard, American Express,
// Discover, JCB, Diners Club, UnionPay)? Digits only.
[[nodiscard]] bool HasCardForm(std::string_view digits);

// Thirteen digits: a date of birth, one of the digits 1 to 8 for century, sex and nationality, six
// more. The form alone.
[[nodiscard]] bool HasResidentForm(std::string_view digits);
// The check digit of a Korean resident registration number (the last digit is 11 less the weighted
// sum mod 11, mod 10; of foreigners 13 less it). Numbers given since October 2020 have none: they
// pass by chance only.
[[nodiscard]] bool ResidentCheckHolds(std::string_view digits);

// Two letters of a country of the registry, with its length; letters and digits, without blanks.
[[nodiscard]] bool HasIbanForm(std::string_view text);
// ISO 13616: mod 97 is 1.
[[nodiscard]] bool IbanCheckHolds(std::string_view text);

}  // namespace penstock::validate::personal
