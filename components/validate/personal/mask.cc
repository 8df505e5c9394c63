#include "components/validate/personal/mask.h"

#include <algorithm>

#include "components/validate/personal/detect.h"

namespace penstock::validate::personal {

std::string Form(std::string_view value) {
  std::string form;
  form.reserve(value.size());
  for (const char c : value) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    form += letter ? 'x' : digit ? '9' : (static_cast<unsigned char>(c) >= 0x80 ? '*' : c);
  }
  return form;
}

std::string Masked(std::string_view value) {
  return Detect(value).Any() ? Form(value) : std::string(value);
}

std::string MaskedWords(std::string_view message) {
  std::string out;
  std::string rest;  // without the words that are masked already: a masked address is one still
  for (std::size_t at = 0; at < message.size();) {
    const auto space = std::min(message.find(' ', at), message.size());
    const std::string_view word = message.substr(at, space - at);
    const bool personal = Detect(word).Any();
    out += personal ? Form(word) : std::string(word);
    rest += personal ? std::string("x") : std::string(word);
    if (space < message.size()) {
      out += ' ';
      rest += ' ';
    }
    at = space + 1;
  }
  return Detect(rest).Any() ? Form(out) : out;  // what holds blanks, such as a card's number
}

}  // namespace penstock::validate::personal
