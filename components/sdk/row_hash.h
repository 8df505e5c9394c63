// A hash of a row that depends on the values only: the same row falls into the same split, today
// and on another machine, whatever the batches or the other rows are. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::sdk {

// One hash a row over the named columns, in that order (canonical batches). Nulls hash as
// themselves. Invalid for a column that is missing or of no canonical type.
[[nodiscard]] Result<std::vector<std::uint64_t>> HashRows(const arrow::RecordBatch& batch,
                                                          const std::vector<std::string>& columns,
                                                          std::uint64_t seed);

// The hash as a number in [0, 1): its upper 53 bits.
[[nodiscard]] inline double UnitInterval(std::uint64_t hash) {
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

}  // namespace penstock::sdk
