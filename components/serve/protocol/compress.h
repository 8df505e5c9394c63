// gzip and deflate, both ways (RFC 9110, 8.4.1). Pure; zlib.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::serve {

enum class Coding : std::uint8_t { kIdentity, kGzip, kDeflate };

// A Content-Encoding: nothing or "identity", "gzip" ("x-gzip"), "deflate". Unsupported
// for any other, and for more than one.
[[nodiscard]] Result<Coding> ParseContentEncoding(std::string_view header);

// The coding that an Accept-Encoding prefers among ours; identity when it names none of them.
[[nodiscard]] Coding ChooseCoding(std::string_view accept_encoding);

// Invalid when the bytes are no such data, end early or go on after their end; TooLarge when they
// become more than `limit` bytes. Memory grows with what comes out, never beyond the limit.
[[nodiscard]] Result<std::string> Decompress(Coding coding, std::string_view bytes,
                                             std::uint64_t limit);
// At zlib's fastest level. Empty input gives a valid empty stream.
[[nodiscard]] std::string Compress(Coding coding, std::string_view bytes);

}  // namespace penstock::serve
