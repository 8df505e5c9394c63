// The rows of a table's files as record batches of the table's columns. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "components/ingest/lake/table.h"

namespace penstock::ingest {

// The table's columns in the types that it says.
[[nodiscard]] std::shared_ptr<arrow::Schema> SchemaOfTable(const TableState& state);

// The rows of one file, without those that are deleted: of the columns named `wanted`, in stored
// types (sdk/arrow_types.h). A column that the file does not have is null. Invalid for a file that
// is no Parquet, and names the column where the file's type is none that the table's holds, and the
// row where a value does not. Says in state.not_cached where the file was read by what is not of
// its snapshot alone.
using OnTableRows = std::function<Result<void>(const arrow::RecordBatch&)>;
[[nodiscard]] Result<void> ReadTableFile(Place& place, TableState& state, const TableFile& file,
                                         const std::set<std::string>& wanted,
                                         const OnTableRows& on_batch);

// Whether two names are one but for the case of their letters of ASCII.
[[nodiscard]] bool DiffersByCase(std::string_view a, std::string_view b);

// A partition's value, which a log has as text; of columns that are no text "" is none. Invalid,
// with the text, where it is no such value.
[[nodiscard]] Result<std::shared_ptr<arrow::Scalar>> ScalarFromText(
    const std::string& text, const std::shared_ptr<arrow::DataType>& type);

}  // namespace penstock::ingest
