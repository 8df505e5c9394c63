// One reading of a CSV with types that are taken for right. Blocks are split and converted by
// several threads; what comes of them is taken in the file's order by the calling thread.
#pragma once

#include <vector>

#include "components/ingest/csv/column.h"
#include "components/ingest/csv/reader.h"

namespace penstock::ingest {

struct CsvPlan {
  ConvertRules rules;
  std::vector<std::string> names;  // of all columns of a record
  std::vector<CsvColumn> columns;  // those to read; `seen` is what led to their types
  std::size_t skip = 0;
  std::int64_t first_line = 1;
  bool guess_escape = false;  // a bad row with \" ends the pass
};

struct PassEnd {
  std::vector<Seen> seen;  // of the plan's columns
  std::int64_t bad_rows = 0;
  std::string note;                  // of lines that a quoted value may have taken in
  bool escape_is_backslash = false;  // the pass ended for that; nothing else counts
};

// Batches stop when a value contradicts its column's type; the rest is seen nevertheless.
[[nodiscard]] Result<PassEnd> RunPass(const OpenStream& open, const CsvOptions& options,
                                      const CsvPlan& plan, const OnBatch& on_batch,
                                      const OnBadRow& on_bad_row);

}  // namespace penstock::ingest
