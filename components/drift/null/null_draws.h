// How often chance alone makes a statistic as large as the one that was seen: the rows (or blocks
// of rows) of both sides are divided anew, at random, into as many as each side had, again and
// again (a permutation test: Fisher 1935; Pitman 1937). By rows that needs no rows, only counts by
// bin: a multivariate hypergeometric draw each.
//
//   p = (1 + draws that reach it) / (1 + draws)
//
// (Phipson, Smyth, "Permutation p-values should never be zero", 2010.) Where fewer than ten draws
// reach it, drawing goes on up to `most`, so that p can get small enough for many columns. By rows,
// where no draw reaches it and Hoeffding's bound (methods/statistic.h) is lower, that is p.
//
// Deterministic by seed. Memory: a row of counts; by blocks, that of the blocks too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "components/drift/methods/statistic.h"
#include "components/drift/null/hypergeometric.h"

namespace penstock::drift {

struct Draws {
  std::int64_t least = 2000;
  std::int64_t most = 2000;
  std::uint64_t seed = 0;
};

struct Null {
  double p = 1;
  double mean = 0;  // of the statistic over the first `least` draws: what chance alone gives
  std::int64_t draws = 0;
};

// Counts by bin, both with rows.
[[nodiscard]] Null DrawByRows(Statistic statistic, const BinShape& shape,
                              std::span<const std::int64_t> reference,
                              std::span<const std::int64_t> current, const LogFactorials& logs,
                              const Draws& draws);

// Counts of blocks by bin: blocks x bins, row-major; the first `of_reference` blocks are the
// reference's. Both sides have blocks.
struct BlockCounts {
  std::size_t bins = 0;
  std::size_t of_reference = 0;
  std::vector<std::int32_t> counts;
  [[nodiscard]] std::size_t blocks() const { return bins == 0 ? 0 : counts.size() / bins; }
  [[nodiscard]] std::vector<std::int64_t> Sum(bool reference) const;
};
[[nodiscard]] Null DrawByBlocks(Statistic statistic, const BinShape& shape,
                                const BlockCounts& blocks, const Draws& draws);

// The least p that a division of so many blocks can have: 1 over the number of divisions, and at
// least that of `draws` draws.
[[nodiscard]] double LeastP(std::size_t reference, std::size_t current, std::int64_t draws);

}  // namespace penstock::drift
