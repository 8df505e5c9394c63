// A value as it may be told: one in which something personal proves itself keeps its form only.
// Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock::validate::personal {

// "hong@korea.kr" as "xxxx@xxxxx.xx", "900101-1234568" as "999999-9999999": letters x, digits 9,
// bytes beyond ASCII *, the rest as it is.
[[nodiscard]] std::string Form(std::string_view value);
// The value itself, or its form where Detect proves something in it.
[[nodiscard]] std::string Masked(std::string_view value);
// A message of somebody else's, word by word.
[[nodiscard]] std::string MaskedWords(std::string_view message);

}  // namespace penstock::validate::personal
