// The words of a text in any script, as tokens and word vectors have them. Pure.
//
// A word is a run of letters, digits, underscores and marks: blanks and punctuation end it, that of
// Unicode too (quotes, dashes, the full stops and brackets of Chinese, Japanese and Korean, their
// full-width forms). Hangul that is written in its letters (NFD, as some file systems have it) is
// composed to syllables (Unicode 16, 3.12), so that a word is one word however it was typed. A byte
// that is no UTF-8 is of the word that it stands in. Letters stay as they are.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace penstock::sdk {

void ForEachUnicodeWord(std::string_view text, const std::function<void(std::string_view)>& visit);

// The same with Hangul composed, nothing split: what a word of a file is compared as.
[[nodiscard]] std::string ComposeHangul(std::string_view text);

// ASCII letters made small; others stay as they are.
[[nodiscard]] std::string SmallLetters(std::string_view text);

// Of Hangul syllables only (UTF-8, three bytes each).
[[nodiscard]] bool IsHangulWord(std::string_view word);

[[nodiscard]] bool IsUtf8(std::string_view text);

}  // namespace penstock::sdk
