// A CSV in memory, read, as text to compare. For tests only.
#pragma once

#include <arrow/api.h>

#include <string>
#include <vector>

#include "components/ingest/csv/reader.h"

namespace penstock::ingest {

struct ReadTable {
  std::shared_ptr<arrow::Table> table;
  CsvReport report;
  std::vector<std::string> bad;  // "line|reason|raw"
  int batches = 0;

  // "a:int64 b:string"
  [[nodiscard]] std::string Types() const;
  // "1|x;2|null"
  [[nodiscard]] std::string Cells() const;
  [[nodiscard]] std::shared_ptr<arrow::Scalar> Cell(int column, std::int64_t row) const;
};

// The component's defaults.
[[nodiscard]] CsvOptions DefaultOptions();
[[nodiscard]] Result<ReadTable> ReadText(const std::string& text,
                                         const CsvOptions& options = DefaultOptions());
// The types of the columns, or the error.
[[nodiscard]] std::string TypesOf(const std::string& text,
                                  const CsvOptions& options = DefaultOptions());
// "accepted", or the error.
[[nodiscard]] std::string ProblemOf(const std::string& text,
                                    const CsvOptions& options = DefaultOptions());

}  // namespace penstock::ingest
