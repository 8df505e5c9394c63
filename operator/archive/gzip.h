// gzip of texts that fit in memory. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::archive {

// As small as zlib makes it; the same bytes for the same text and zlib.
[[nodiscard]] std::string Gzip(std::string_view text);
// Invalid of what is damaged or cut off; kTooLarge where more than `limit` bytes come out.
[[nodiscard]] Result<std::string> Gunzip(std::string_view packed, std::size_t limit);

}  // namespace penstock::archive
