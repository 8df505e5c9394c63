// Tries the candidates and picks one.
//
//   learner by learner, the simpler first; one that fails stands on the board with its error
//   what a budget does not allow is left out before anything is fitted: Learner::Cost x folds,
//     never seconds, so that the choice is the same on every machine. First go repeats; then, where
//     nobody asked for folds, one part is as good a judge as valid would be and lets more run, all
//     parts but one; then candidates
//   maxTime, if asked for, ends between learners
#pragma once

#include <memory>
#include <vector>

#include "components/train/board.h"
#include "components/train/trials.h"

namespace penstock::train {

struct Choice {
  Board board;
  FoldPlan plan;
  Candidate best;
};

// Invalid where every candidate failed: quotes each. Cancelled where the surroundings say stop.
// `recipe` tells how many features each learner's view has, for what it costs.
[[nodiscard]] Result<Choice> Choose(const Table& table, FoldPlan plan,
                                    const std::vector<std::unique_ptr<Learner>>& learners,
                                    const sdk::TransformSpec& recipe);

}  // namespace penstock::train
