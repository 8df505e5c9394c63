// Which rows of a file are deleted, as Delta writes it: a set of 64-bit numbers in Roaring's
// portable format (Delta's PROTOCOL.md, "Deletion Vector Format"). Bytes of others: every length is
// held against what is there. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::ingest {

// The numbers, ascending. `bytes` begin with the magic number of the format.
[[nodiscard]] Result<std::vector<std::int64_t>> ParseDeletionVector(std::string_view bytes);

// The vector within a file of them: its length, itself, its checksum.
[[nodiscard]] Result<std::vector<std::int64_t>> DeletionVectorAt(std::string_view file,
                                                                 std::uint64_t offset);

// Z85: five characters for four bytes.
[[nodiscard]] Result<std::string> DecodeZ85(std::string_view text);

}  // namespace penstock::ingest
