// Arrow's casts, but for those that change a value without a word. Pure; arrow_types.h is for
// others.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>

namespace penstock::sdk {

// Invalid where a value would change: a fraction that a decimal rounds, a time of day that a date
// drops, a number but 0 and 1 as bool, and for an integer as a time or a time as an integer, as
// nothing says the unit. Nanoseconds are cut; a decimal becomes the nearest double.
[[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> CastExactly(
    const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type);

// What a dictionary's values stand for. Arrow decodes none of views, which Polars writes.
[[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> Decoded(
    const arrow::DictionaryArray& array);

}  // namespace penstock::sdk
