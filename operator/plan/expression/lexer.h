// Text to tokens, as CEL's grammar has them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/plan/expression/value.h"

namespace penstock::plan::expression {

struct Token {
  enum class Kind : std::uint8_t { kName, kLiteral, kMark, kEnd } kind = Kind::kEnd;
  std::size_t at = 0;  // where it begins, in bytes
  std::string text;    // of a name or a mark such as "&&"
  // Of a literal. A whole number is kept as its digits too: -9223372036854775808 is one.
  Value value;
  std::string digits;  // of an int: with 0x where it is written so
};

// Ends with a kEnd. Invalid: a character or literal that the language does not have.
[[nodiscard]] Result<std::vector<Token>> Tokens(std::string_view text);

// "character 12: message"
[[nodiscard]] Error At(std::size_t at, const std::string& message);

}  // namespace penstock::plan::expression
