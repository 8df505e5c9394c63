// A column that holds the mean of the label in a group of rows, the row itself among them: what a
// target encoding is when it was made of the rows that learn from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/target.h"
#include "operator/base/result.h"

namespace penstock::audit {

struct GroupMean {
  std::string column;
  std::string group;     // by which the mean was taken; the column itself: by its own values
  std::string of_class;  // of a classification; else empty
  std::string kind;      // "mean", "smoothed mean", "mean of the others"
  std::int64_t groups = 0;
};

// A column and what may have grouped it, which the sampled rows leave possible.
struct GroupPair {
  std::string column;
  std::string group;
};
// Pairs of a number column and a column whose values repeat, where the first is constant within the
// second, or falls on a line with the label in it, and moves with the label's mean. At most 200.
[[nodiscard]] std::vector<GroupPair> GroupPairsOf(const Table& table, const Target& target,
                                                  const std::vector<std::string>& skip);

// Reads all rows of all parts together, and of the first alone: a pair is found where in every
// group (of three or more, with two rows each on average) the column is exactly
//   mean                 n f = sum y
//   smoothed mean        (n + m) f = sum y + m p, of some m and p, told by 10 groups or more
//   mean of the others   (n - 1) f = sum y - y
// to a relative 1e-6. Memory: 64 bytes a group of a pair, of at most a million groups; a pair of
// more is not looked at. `target` has the classes; labels are read anew.
[[nodiscard]] Result<std::vector<GroupMean>> GroupMeansOf(const std::vector<std::string>& parts,
                                                          const std::vector<GroupPair>& pairs,
                                                          const Target& target);

}  // namespace penstock::audit
