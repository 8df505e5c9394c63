// Personal data in one value: which kinds have their form in it, and which prove themselves. Pure.
//
// Precision goes before recall: a name or an address is never found, and what has a form only
// (13 digits, four numbers with points between) is not said to be one. Kinds:
//   mail            a@b.cd, of ASCII
//   phone           +CC and 8 to 14 digits; Korean mobile numbers, also without separators;
//                   Korean and American numbers with separators
//   card            a network's first digits and length; Luhn
//   residentNumber  Korean, of foreigners too: date of birth; check digit
//   iban            a country's length; mod 97
//   ipv4            four numbers to 255; a number above 99 in it (a version seldom has one)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::validate::personal {

enum class Kind : std::uint8_t { kMail, kPhone, kCard, kResidentNumber, kIban, kIpv4 };
inline constexpr std::size_t kKinds = 6;
[[nodiscard]] const char* Name(Kind kind);  // "mail", ...
[[nodiscard]] std::optional<Kind> ParseKind(std::string_view name);

struct Found {
  std::array<bool, kKinds> form{};    // by Kind: something has the form
  std::array<bool, kKinds> proved{};  // and proves itself, where the kind can
  [[nodiscard]] bool Any() const;     // proved
};

// Of a text of any bytes. A value that is a number as a whole is looked at as its digits.
[[nodiscard]] Found Detect(std::string_view value);

}  // namespace penstock::validate::personal
