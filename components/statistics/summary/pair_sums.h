// Pearson's correlation between all pairs of some columns, over the rows where both are finite. Of
// a block the sums are taken around its first value, in the block's order; between blocks they are
// exact: so blocks in any order and in several objects that are merged give the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "components/sdk/exact_sum.h"

namespace penstock::statistics {

// A column of a block: 0 where it has no finite value.
struct DenseColumn {
  double pivot = 0;            // taken from all values
  std::vector<double> values;  // less the pivot
  std::vector<double> valid;   // 1 or 0; empty: all are
  // Sums of values and of their squares.
  double sum = 0;
  double squares = 0;
};
// `values` has NaN where there is none.
[[nodiscard]] DenseColumn DenseOf(std::vector<double> values);

class PairSums {
 public:
  explicit PairSums(std::size_t columns)
      : columns_(columns), pairs_(columns * (columns == 0 ? 0 : columns - 1) / 2) {}

  [[nodiscard]] std::size_t pairs() const { return pairs_.size(); }
  // One pair of a block; different pairs may be added by different threads.
  void Add(std::size_t pair, const std::vector<DenseColumn>& block);
  void Merge(const PairSums& other);

  struct Pair {
    std::size_t a = 0;
    std::size_t b = 0;
  };
  [[nodiscard]] Pair ColumnsOf(std::size_t pair) const;
  [[nodiscard]] std::int64_t RowsOf(std::size_t pair) const { return pairs_[pair].rows; }
  // None without spread, and where a square is beyond a double.
  [[nodiscard]] std::optional<double> Correlation(std::size_t pair) const;

 private:
  struct Sums {
    std::int64_t rows = 0;
    bool overflow = false;
    sdk::ExactSum a, b, aa, bb, ab;
  };
  std::size_t columns_;
  std::vector<Sums> pairs_;
};

}  // namespace penstock::statistics
