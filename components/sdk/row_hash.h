// A hash of a row that depends on the values only: the same row falls into the same split, today
// and on another machine, whatever the batches or the other rows are. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::sdk {

// The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", OOPSLA 2014): every input bit reaches every output bit.
[[nodiscard]] constexpr std::uint64_t MixBits(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// FNV-1a, 64 bit.
[[nodiscard]] std::uint64_t HashText(std::string_view text);

// One hash a row over the named columns, in that order (canonical batches). Nulls hash as
// themselves and NaN as null; lists, structs and bytes by what is in them. Invalid for a column
// that is missing or of a type that no dataset holds.
[[nodiscard]] Result<std::vector<std::uint64_t>> HashRows(const arrow::RecordBatch& batch,
                                                          const std::vector<std::string>& columns,
                                                          std::uint64_t seed);

// The hash as a number in [0, 1): its upper 53 bits.
[[nodiscard]] inline double UnitInterval(std::uint64_t hash) {
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

}  // namespace penstock::sdk
