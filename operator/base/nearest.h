// "Did you mean": the known word that a mistyped one probably stands for. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// The known word with the fewest edits (Levenshtein, at most 3, and a third of the word); empty
// where none is that near. Borrows from `known`.
[[nodiscard]] std::string_view Nearest(std::string_view word,
                                       std::span<const std::string_view> known);
// `; did you mean "mean"?`, or nothing.
[[nodiscard]] std::string DidYouMean(std::string_view word,
                                     std::span<const std::string_view> known);
[[nodiscard]] std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

}  // namespace penstock
