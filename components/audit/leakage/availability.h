// Values that are known only after the moment at which the model would need them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "components/audit/facts/table.h"
#include "operator/base/result.h"

namespace penstock::audit {

// Of one column that was declared, over all rows.
struct Late {
  std::string column;
  std::string available_at;
  std::int64_t rows = 0;     // with a value and a moment
  std::int64_t late = 0;     // the value is there after the moment
  std::int64_t unknown = 0;  // with a value, but nothing says since when
  std::int64_t first = -1;   // the first late row
  double worst_seconds = 0;  // the latest by so much
};
// `available_at`: column -> the column of times since when its value is known. `moment`: the column
// of times at which the model answers. Invalid for a column that is not there or is no time.
[[nodiscard]] Result<std::vector<Late>> LateColumns(
    const std::string& dataset, const std::map<std::string, std::string>& available_at,
    const std::string& moment);

// Columns of times, not declared, that are after `moment` in most of the rows that have both.
struct LateTime {
  std::string column;
  std::int64_t rows = 0;
  std::int64_t late = 0;
};
[[nodiscard]] std::vector<LateTime> LateTimes(const Table& table, const std::string& moment,
                                              const std::map<std::string, std::string>& declared);

}  // namespace penstock::audit
