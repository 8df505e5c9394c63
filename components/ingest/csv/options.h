// The parameters of ingest that say how a CSV is written and read.
#pragma once

#include "components/ingest/csv/reader.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

// What is wrong is left to `p`.
[[nodiscard]] CsvOptions ReadCsvOptions(sdk::Parameters& p);

// What a person says of a column; a stored type.
void TellType(const std::string& column, const std::shared_ptr<arrow::DataType>& type,
              CsvOptions& options);

}  // namespace penstock::ingest
