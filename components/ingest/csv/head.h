// The beginning of a CSV: its encoding, dialect and names, and what its first records look like.
#pragma once

#include <string>
#include <vector>

#include "components/ingest/csv/reader.h"
#include "components/ingest/csv/types.h"

namespace penstock::ingest {

struct CsvHead {
  Dialect dialect;
  std::vector<std::string> names;  // of all columns; not yet known to differ
  std::size_t skip = 0;            // bytes before the first row of data
  std::int64_t first_line = 1;     // of the data
  std::vector<Seen> seen;          // of the first records' values, a column each
};

[[nodiscard]] Result<CsvHead> ReadCsvHead(const OpenStream& open, const DialectHints& hints,
                                          const ValueRules& rules);

// May 1.5 and 1,5 be numbers?
[[nodiscard]] ValueRules RulesOf(const NullWords& nulls, const DialectHints& hints,
                                 const Dialect& dialect);

}  // namespace penstock::ingest
