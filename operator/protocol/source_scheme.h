// Which outside sources there are, by the beginning of their URI: the one list for whoever checks
// a Pipeline and whoever reads it. Pure.
#pragma once

#include <string>

namespace penstock {

// "s3" of "s3://bucket/key" is one of them; tables (table_uri.h) are not among these.
[[nodiscard]] bool IsSourceScheme(const std::string& scheme);

// All of them, for people: "file://, http://, ... and tables by delta+s3://, ...".
[[nodiscard]] std::string SourceSchemes();

}  // namespace penstock
