// file: URIs, read the same wherever they are read (RFC 8089). Pure.
#pragma once

#include <string>

#include "operator/base/result.h"

namespace penstock {

[[nodiscard]] inline bool IsFileUri(const std::string& uri) { return uri.starts_with("file://"); }

// The absolute path that file:///a%20b or file://localhost/a%20b names; a '%' that begins no escape
// stays. Invalid for another machine's name and for a path that is not absolute.
[[nodiscard]] Result<std::string> PathOfFileUri(const std::string& uri);

}  // namespace penstock
