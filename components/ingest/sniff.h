// What a file is, by its first bytes and never by its name. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::ingest {

enum class Format : std::uint8_t { kCsv, kJsonl, kParquet, kArrowFile, kArrowStream };
[[nodiscard]] const char* Name(Format format);  // for people: "CSV", "JSON Lines", ...

inline constexpr std::size_t kSniffBytes = 64 * 1024;

// `head`: the first kSniffBytes of what was unpacked, or all of it. Invalid, with its name and what
// to do, for what is no table that can be read here: a page of HTML, a workbook, a document,
// another archive, a pointer of Git LFS. What is none of these is taken for a CSV.
[[nodiscard]] Result<Format> SniffFormat(std::string_view head);

// The same of bytes that are said to be `format`: what they plainly are instead is an error.
[[nodiscard]] Result<void> CheckFormat(std::string_view head, Format format);

}  // namespace penstock::ingest
