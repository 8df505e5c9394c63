// A label that two or three columns give exactly: a sum or a difference, a product or a quotient,
// or a pair of values of which each has one class. Pure; deterministic.
#pragma once

#include <string>
#include <vector>

#include "components/audit/facts/target.h"

namespace penstock::audit {

// The label, or its logarithm, by least squares of a few columns, or of theirs.
struct Combination {
  std::vector<std::string> columns;
  std::vector<double> weights;
  bool logarithms = false;  // a product of powers
  double unexplained = 0;   // 1 - R2
};
// Of a regression, all twos and threes of at most 40 number columns (those nearest to the label of
// more) that leave at most `most_unexplained`: the fewest columns, and of these the best, one each
// for sums and products. Columns of `skip` (found alone already) are not looked at. Rows with a
// null among them are left out; at least 30 must remain.
[[nodiscard]] std::vector<Combination> CombinationsOf(const Table& table, const Target& target,
                                                      const std::vector<std::string>& skip,
                                                      double most_unexplained);

// Of a classification: pairs of columns of at most 1,000 values each (60 columns at most) of which
// every pair of values has one class, where chance would do so with a probability below 10 ^
// `log10_chance` over all pairs.
struct PurePair {
  std::string first;
  std::string second;
  std::uint32_t cells = 0;
  double log10_chance = 0;
};
[[nodiscard]] std::vector<PurePair> PurePairsOf(const Table& table, const Target& target,
                                                const std::vector<std::string>& skip,
                                                double log10_chance);

}  // namespace penstock::audit
