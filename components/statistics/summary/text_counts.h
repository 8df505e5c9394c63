// The texts of an array counted, with their lengths. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include "components/statistics/summary/block_values.h"

namespace penstock::statistics {

// Of an array of texts or bytes, or of indices (int32) into such: adds to texts, lengths and empty.
// A length is counted in characters, of bytes in bytes.
void CountTexts(const arrow::Array& array, bool bytes, BlockValues& block);

}  // namespace penstock::statistics
