// Whether a text has a Format. Compiled patterns are kept per thread.
#pragma once

#include <string>

#include "operator/api/limits.h"

namespace penstock::api {

[[nodiscard]] bool Matches(const Format& format, const std::string& text);

}  // namespace penstock::api
