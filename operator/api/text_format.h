// Whether a text has a Format. Compiled patterns are kept per thread.
#pragma once

#include <string>

#include "operator/api/limits.h"

namespace penstock::api {

// `text` must be short: std::regex recurses by its length. Over 4096 bytes the answer is no.
[[nodiscard]] bool Matches(const Format& format, const std::string& text);

}  // namespace penstock::api
