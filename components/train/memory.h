// How much of a table a training may hold, and which rows are taken where that is not all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/train/target.h"

namespace penstock::train {

struct TableSize {
  std::uint64_t rows = 0;
  std::uint64_t features = 0;  // of the matrix
  std::uint64_t columns = 0;   // that the recipe reads
  std::uint64_t answers = 1;   // numbers that a model answers a row with: of several classes, each
};

// Of one float32 matrix.
[[nodiscard]] std::uint64_t MatrixBytes(const TableSize& size);

// About what a training needs at its peak: the columns, a fold's two matrices, and what learners
// make of them (a binned or transposed copy); labels, weights and answers, of each setting that is
// tried.
[[nodiscard]] std::uint64_t NeededBytes(const TableSize& size);

// The share of the rows that fits: 1 where all do. `memory`: bytes that the process may use.
[[nodiscard]] double ShareThatFits(const TableSize& size, std::uint64_t memory);

// Chooses about `share` of the source's rows, by a hash of what is in `columns` and of how many
// rows before it hold the same: the same rows for the same dataset, however it is cut into batches,
// and equal rows each on their own. Equal rows are counted in a table of fixed size, so that memory
// does not grow with the rows.
[[nodiscard]] Result<void> Sample(const std::vector<std::string>& columns, double share,
                                  std::uint64_t seed, Source& source);

}  // namespace penstock::train
