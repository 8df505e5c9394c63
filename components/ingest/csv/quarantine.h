// What of a CSV did not become rows, as a dataset: line (int64), reason (string), raw (binary). And
// what ingest says of a CSV. Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "components/ingest/csv/bad_rows.h"
#include "components/ingest/csv/reader.h"
#include "components/sdk/step.h"

namespace penstock::ingest {

class CsvQuarantine {
 public:
  // Empty folder: nothing is kept.
  explicit CsvQuarantine(std::string folder) : rows_(std::move(folder), {"line"}) {}

  // Starts over.
  [[nodiscard]] Result<void> Begin() { return rows_.Begin(); }
  [[nodiscard]] Result<void> Add(std::int64_t line, const std::string& reason,
                                 std::string_view raw) {
    return rows_.Add({line}, reason, raw);
  }
  [[nodiscard]] Result<void> Finish() { return rows_.Finish(); }

 private:
  BadRows rows_;
};

// The output `quarantine`; empty when rows that are bad are errors, or when nobody wants them.
[[nodiscard]] Result<std::string> QuarantineFolder(const sdk::Step& step,
                                                   const CsvOptions& options);

// The results dialect, badRows and emptyColumns. A step fails for a result that it declares and
// does not write, so they are written of a file that is no CSV too: {}, 0, [].
[[nodiscard]] Result<void> WriteNoCsvResults(const sdk::Step& step);
[[nodiscard]] Result<void> WriteCsvResults(const CsvReport& report, const sdk::Step& step);

}  // namespace penstock::ingest
