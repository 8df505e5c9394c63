#include "operator/gateway/login/person_name.h"

#include <algorithm>
#include <vector>

#include "operator/base/shown_text.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kMostName = 512;

// Of valid UTF-8.
std::vector<char32_t> CharactersOf(std::string_view text) {
  std::vector<char32_t> characters;
  for (const unsigned char c : text) {
    if ((c & 0xC0U) == 0x80)
      characters.back() = (characters.back() << 6U) | (c & 0x3FU);
    else
      characters.push_back(c < 0x80 ? c : c < 0xE0 ? c & 0x1FU : c < 0xF0 ? c & 0x0FU : c & 0x07U);
  }
  return characters;
}

bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

// White space of Unicode, and what is shown as nothing at all.
bool IsBlank(char32_t c) {
  return c == ' ' || c == 0xA0 || c == 0xAD || c == 0x1680 || c == 0x180E ||
         (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
         (c >= 0x205F && c <= 0x206F) || c == 0x2800 || c == 0x3000 || c == 0x3164 || c == 0xFEFF;
}

}  // namespace

std::string WhyNoName(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMostName) return "has over " + std::to_string(kMostName) + " bytes";
  if (!IsUtf8(name)) return "is no UTF-8";
  const auto characters = CharactersOf(name);
  if (std::any_of(characters.begin(), characters.end(), IsControl))
    return "has a control character";
  if (IsBlank(characters.front()) || IsBlank(characters.back())) return "has a blank at an end";
  return "";
}

}  // namespace penstock::gateway::login
