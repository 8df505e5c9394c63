// Which type keeps every value of another. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>

namespace penstock::ingest {

// The stored type that holds what both hold; null where there is none. An integer that a double
// cannot hold is found when its value comes.
[[nodiscard]] std::shared_ptr<arrow::DataType> Wider(const std::shared_ptr<arrow::DataType>& a,
                                                     const std::shared_ptr<arrow::DataType>& b);

// False for what is stored alike and is not: times with a zone and times without one, as nothing
// says what moment the latter are; durations of two units, durations and numbers; times of day of
// two units, which are texts of other digits, and texts.
[[nodiscard]] bool Meets(const arrow::DataType& a, const arrow::DataType& b);

// Can values of a source's type be of the stored type that a schema gives? Each is proved when it
// comes. `text`: the source is text, which has no types of its own.
[[nodiscard]] bool MayBecome(const std::shared_ptr<arrow::DataType>& source,
                             const std::shared_ptr<arrow::DataType>& target, bool text);

}  // namespace penstock::ingest
