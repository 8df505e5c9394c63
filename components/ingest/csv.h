// A CSV as record batches. Types are seen from the first 16 MiB and widened when a later value does
// not fit (an integer column that meets 1.5 becomes float64, one that meets text becomes string):
// reading then starts over, so memory stays small and the result does not depend on where blocks
// end.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/model_format/column.h"
#include "operator/base/result.h"

namespace penstock::ingest {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;  // else columns are f0, f1, ...
  std::vector<std::string> null_values;
  std::vector<std::string> columns;              // only these, in this order; empty: all
  std::map<std::string, sdk::ColumnType> types;  // of some columns; never widened
};

using OpenStream = std::function<Result<std::shared_ptr<arrow::io::InputStream>>()>;
// Called with the schema before the first batch, again when reading starts over: drop what came.
using OnSchema = std::function<Result<void>(const std::shared_ptr<arrow::Schema>&)>;
using OnBatch = std::function<Result<void>(const std::shared_ptr<arrow::RecordBatch>&)>;

// Errors name the line and the column.
[[nodiscard]] Result<void> ReadCsv(const OpenStream& open, const CsvOptions& options,
                                   const OnSchema& on_schema, const OnBatch& on_batch);

}  // namespace penstock::ingest
