// Can the two sides be told apart from all columns together? A classifier of "reference or current"
// answers rows that it did not learn from; the area under its ROC curve is 0.5 where nothing tells
// them apart (Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", 2017). It sees what no
// column shows alone: columns that have become dependent otherwise. Pure; deterministic by seed,
// whatever the threads.
//
// p, one-sided: of Mann and Whitney's test over the answers (normal, with equal answers counted:
// Lehmann, Nonparametrics, 1975), each row's by trees fitted without its fold. With blocks, folds
// are of whole blocks and p is by dividing the blocks anew, 2,000 times. Either takes the answers
// as if the trees did not depend on the rows: a close approximation, not exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "components/drift/classifier/boosted_trees.h"

namespace penstock::drift {

struct Domain {
  double auc = 0.5;
  double p = 1;
  std::vector<std::pair<std::string, double>> told_by;  // columns by their share of the gain
  std::string why_not;                                  // not tried: why; else empty
};

struct DomainRows {
  std::vector<BinnedFeature> features;
  std::vector<std::string> columns;      // of each feature; several may be of one column
  std::vector<std::uint8_t> is_current;  // by row
  std::vector<std::uint32_t> blocks;     // by row, of its side; empty: rows are independent
  std::vector<std::size_t> places;       // by row, among the side's chosen rows
};

// What answers other rows: the trees of each fold, and of each row the fold's that did not learn
// it.
struct DomainModel {
  std::vector<BoostedTrees> folds;
  std::vector<double> scores;  // log odds of current, by row
};

// `model` null: not wanted. It is left empty where nothing was tried.
[[nodiscard]] Domain TellApart(const DomainRows& rows, std::uint64_t seed, int threads,
                               DomainModel* model = nullptr);

// The area under the ROC curve: the share of pairs of a positive and a negative in which the
// positive has the higher score, equal scores as a half; and p as above. 0.5 and 1 where there are
// no pairs.
struct RankTest {
  double auc = 0.5;
  double p = 1;
  std::vector<double> ranks;  // by row, 1 the lowest; equal scores share their mean
};
[[nodiscard]] RankTest TestRanks(const std::vector<double>& scores,
                                 const std::vector<std::uint8_t>& positive);

}  // namespace penstock::drift
