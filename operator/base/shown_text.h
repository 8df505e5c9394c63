// Text of others on its way into status, events, conditions, logs and history. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/json_fwd.h"

namespace penstock {

// A URI as it may stand where many read it: https://host/path?... for what has a query, which may
// be the signature that lets its holder read. A file's is its name, a table's or span's the state.
[[nodiscard]] std::string ShownUri(std::string_view uri);
// A parameter's value: the same where it is the text of a URI.
[[nodiscard]] Json ShownValue(const Json& value);

}  // namespace penstock

namespace penstock::plan {

// One line of valid UTF-8 of at most `limit` bytes: control characters become spaces, broken bytes
// '?', and what is cut off ends in "...".
[[nodiscard]] std::string Shown(std::string_view text, std::size_t limit = 1024);

// The same of the end of a text: what is cut off before it leaves "..." in front.
[[nodiscard]] std::string ShownEnd(std::string_view text, std::size_t limit);

// The same of both its ends, with " ... " for what is cut out between them.
[[nodiscard]] std::string ShownEnds(std::string_view text, std::size_t limit = 1024);

}  // namespace penstock::plan

namespace penstock {

// True when all of the text is valid UTF-8.
[[nodiscard]] bool IsUtf8(std::string_view text);

}  // namespace penstock
