// What a split must know of each row before it can decide where any goes. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "components/split/options.h"

namespace penstock::split {

// Stands on disk between the passes.
struct RowFacts {
  std::uint64_t row = 0;      // of all columns: equal rows have it equal
  std::uint64_t decides = 0;  // of the key or group, else of the row; with the seed
  std::uint64_t group = 0;    // of the group's column; 0 without a group
  std::uint32_t stratum = 0;
  std::uint32_t part = 0;  // of a split by time; else train, or dropped
};

// The values of the stratified column, numbered in the order of first sight. Null is one.
class Strata {
 public:
  static constexpr std::size_t kMost = 1000;
  [[nodiscard]] Result<std::uint32_t> IndexOf(const std::string& column, const std::string& value);
  // A hash of each stratum's value.
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const { return hashes_; }

 private:
  std::map<std::string, std::uint32_t> indices_;
  std::vector<std::uint64_t> hashes_;
};

// Of a canonical batch that begins at row `first_row` of the dataset. Invalid for a null group, a
// null time that is refused, a column that is missing or of a wrong type.
[[nodiscard]] Result<std::vector<RowFacts>> FactsOf(const arrow::RecordBatch& batch,
                                                    const SplitOptions& options,
                                                    std::int64_t first_row, Strata& strata);

}  // namespace penstock::split
