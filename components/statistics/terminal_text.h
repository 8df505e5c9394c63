// Text of others for a terminal: nothing in it moves the cursor, changes a colour or the direction
// of writing. Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock::statistics {

// Columns of the terminal that a text takes: Hangul, Han and the like take two, combining marks
// none.
[[nodiscard]] std::size_t WidthOf(std::string_view text);
// At most `width` columns: what is cut off is "…"; control and format characters and bytes that are
// no UTF-8 become "?".
[[nodiscard]] std::string Fitted(std::string_view text, std::size_t width);
// The same, filled up to `width` with blanks, on the left for `right`.
[[nodiscard]] std::string Padded(std::string_view text, std::size_t width, bool right = false);

}  // namespace penstock::statistics
