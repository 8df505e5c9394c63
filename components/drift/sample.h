// The two datasets that are compared, read in passes: which rows count, in which block and slice
// each is, and the values of a few columns at a time. Beyond Options::sample rows a side is a
// uniform sample of its rows, without replacement: its shares are off from all rows' by
// sqrt(ln(2 / d) / (2 n)) at most, but for a chance of d (Massart 1990): 0.0026 for n = 500,000 and
// d = 0.001. Used by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/drift/options.h"
#include "components/drift/values.h"
#include "operator/base/result.h"

namespace penstock::drift {

// Chooses `most` of `rows` at random, one decision a row in order (Knuth, TAOCP 2, 3.4.2,
// algorithm S): equal rows, most and seed choose the same.
class RowChoice {
 public:
  RowChoice(std::int64_t rows, std::int64_t most, std::uint64_t seed)
      : left_(rows), wanted_(most < rows ? most : rows), state_(seed) {}
  [[nodiscard]] bool Take();

 private:
  std::int64_t left_;
  std::int64_t wanted_;
  std::uint64_t state_;
};

// The rows of a side that are chosen.
[[nodiscard]] RowChoice ChoiceOf(std::size_t side, std::int64_t rows, const Options& options);

struct Side {
  std::string path;
  std::int64_t rows = 0;
  std::int64_t chosen = 0;
  std::vector<std::uint32_t> blocks;  // of each chosen row, 0, 1, ...; or empty
  std::size_t block_count = 0;
  std::vector<std::vector<std::uint32_t>> slices;  // by slice column: each chosen row's code
};

class Sample {
 public:
  // Looks at blocks and slices. Invalid for a side without rows, a column that either side lacks
  // or that has no cells (a list), more than kMostBlocks blocks of a side.
  static constexpr std::size_t kMostBlocks = 20'000;
  [[nodiscard]] static Result<Sample> Open(const std::string& reference, const std::string& current,
                                           const Options& options);

  // The values of the columns of both sides; one pass over these columns of each file.
  [[nodiscard]] Result<void> Read(std::vector<ColumnValues*> columns, int threads) const;

  [[nodiscard]] const Side& side(std::size_t i) const { return sides_[i]; }
  // Of each slice column, the text of a code.
  [[nodiscard]] const std::vector<Dictionary>& slice_values() const { return slice_values_; }

 private:
  [[nodiscard]] Result<void> ReadKeys(std::size_t side, const Options& options);
  [[nodiscard]] Result<void> ReadSide(std::size_t side, const std::vector<ColumnValues*>& columns,
                                      int threads) const;
  std::array<Side, 2> sides_;
  std::vector<Dictionary> slice_values_;
  Options options_;
};

}  // namespace penstock::drift
