// What of a CSV did not become rows, as a dataset: line (int64), reason (string), raw (binary). And
// what ingest says of a CSV. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/ingest/csv/reader.h"
#include "components/sdk/dataset.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

class CsvQuarantine {
 public:
  // Empty folder: nothing is kept.
  explicit CsvQuarantine(std::string folder) : folder_(std::move(folder)) {}

  // Starts over.
  [[nodiscard]] Result<void> Begin();
  [[nodiscard]] Result<void> Add(std::int64_t line, const std::string& reason,
                                 std::string_view raw);
  [[nodiscard]] Result<void> Finish();

 private:
  struct Row {
    std::int64_t line;
    std::string reason;
    std::string raw;
  };
  Result<void> Flush();

  const std::string folder_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  std::vector<Row> rows_;
  std::size_t bytes_ = 0;
};

// The output `quarantine`; empty when rows that are bad are errors, or when nobody wants them.
[[nodiscard]] Result<std::string> QuarantineFolder(const sdk::Step& step,
                                                   const CsvOptions& options);

// The results dialect, badRows and emptyColumns. A step fails for a result that it declares and
// does not write, so they are written of a file that is no CSV too: {}, 0, [].
[[nodiscard]] Result<void> WriteNoCsvResults(const sdk::Step& step);
[[nodiscard]] Result<void> WriteCsvResults(const CsvReport& report, const sdk::Step& step);

}  // namespace penstock::ingest
