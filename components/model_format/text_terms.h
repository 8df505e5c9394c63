// The terms of a text: words and character n-grams, of code points of UTF-8. Pure.
//
// ASCII letters are made small; other scripts stay as they are. A byte that is no UTF-8 counts as a
// code point of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace penstock::sdk {

using VisitTerm = std::function<void(std::string_view)>;

// The n-grams of `shortest` to `longest` code points of each word with a blank before and behind
// it, as scikit-learn's analyzer `char_wb` has them: "ab" has " a", "ab", "b ", " ab", "ab ",
// " ab ". So a word and the word with a particle behind it share all but the last.
void ForEachGram(std::string_view text, std::int64_t shortest, std::int64_t longest,
                 const VisitTerm& visit);
// Runs of letters, digits, underscores and whatever is not ASCII.
void ForEachWord(std::string_view text, const VisitTerm& visit);
// Words where `longest` is 0, else n-grams.
void ForEachTerm(std::string_view text, std::int64_t shortest, std::int64_t longest,
                 const VisitTerm& visit);
// The same for tokens: words are those of words.h, of any script, with small ASCII letters.
void ForEachToken(std::string_view text, std::int64_t shortest, std::int64_t longest,
                  const VisitTerm& visit);
// The parts between separators without the blanks around them; empty ones are left out.
void ForEachPart(std::string_view text, std::string_view separator, const VisitTerm& visit);

[[nodiscard]] std::int64_t CountCharacters(std::string_view text);  // code points
[[nodiscard]] std::int64_t CountWords(std::string_view text);

}  // namespace penstock::sdk
