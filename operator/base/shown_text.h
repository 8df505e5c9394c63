// Text from pods and API servers on its way into status, events and conditions. Pure.
#pragma once

#include <string>
#include <string_view>

namespace penstock::plan {

// One line of valid UTF-8 of at most `limit` bytes: control characters become spaces, broken bytes
// '?', and what is cut off ends in "...".
[[nodiscard]] std::string Shown(std::string_view text, std::size_t limit = 1024);

}  // namespace penstock::plan
