// Who has lost before all folds are run: further folds would only make surer what is sure, and cost
// the most where a learner is slow (racing: Maron, Moore: Hoeffding Races, NIPS 1993; with paired
// differences of rows in the place of their bounds). Pure.
#pragma once

#include <string>
#include <vector>

#include "components/train/folds.h"
#include "components/train/trials.h"

namespace penstock::train {

inline constexpr std::size_t kFoldsBeforeLost = 2;
inline constexpr double kErrorsBehind = 2.5;  // standard errors of the paired difference
// A dear learner must be ahead after two folds, and may not be far behind after one: what it would
// win in the end where it is not is little, and what it costs is much.
inline constexpr double kErrorsBehindOfDear = 1;  // after one fold

// Whether each of the settings, answering the plan's first folds so far, is behind the leader's
// answers to the same folds by more than kErrorsBehind; of a `dear` learner, whether none of them
// is ahead (after one fold: behind by more than kErrorsBehindOfDear). The error is that of rows
// that are independent, so that it is asked no more after the first repeat, which answers each row
// once, and never where rows are of groups; nor by auc, which no single row has.
[[nodiscard]] bool HasLost(const std::string& metric, const Labels& labels, const FoldPlan& plan,
                           const std::vector<std::vector<double>>& leader,
                           const std::vector<Candidate>& so_far, bool dear = false);

}  // namespace penstock::train
