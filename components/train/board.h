// All that was tried, and what of it is chosen. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/train/choice_metric.h"
#include "components/train/folds.h"
#include "components/train/trials.h"

namespace penstock::train {

// A line of the board: a setting that was tried, or a learner that failed or was left out.
struct BoardLine {
  std::string learner;
  bool log_target = false;
  Json setting = Json::object();
  std::optional<double> rounds;
  std::optional<Score> score;  // none where it was not tried to its end
  // Of each learner's best setting alone: by rows that did not choose it (nested.h). What learners
  // are compared by.
  std::optional<Score> nested;
  std::string problem;  // why it was not: its error, or what left it out
  bool failed = false;
  bool chosen = false;
  std::optional<double> behind;  // of `nested`: how far from the chosen's; its standard error
  std::optional<double> behind_error;
};

struct Board {
  std::string metric;
  std::vector<BoardLine> lines;  // in the order of trial
  Score dummy;                   // the best constant answer of each fold's training rows
  bool beats_dummy = true;
  bool truncated = false;  // maxTime was over before all were tried
};

// The score of answers by fold: each row's losses are meaned over the repeats first, since its
// answers of several repeats are no independent rows. auc: the mean of the folds'. Rows count as in
// fitting (Labels::fit_weight): what class weights bend is no mistake to whoever asked for them.
[[nodiscard]] Score ScoreFolds(const std::string& metric, const Labels& labels,
                               const FoldPlan& plan,
                               const std::vector<std::vector<double>>& answers);
[[nodiscard]] Score ScoreDummy(const std::string& metric, const Labels& labels,
                               const FoldPlan& plan);

// Marks the line of the best nested score, the earlier of equal ones, and how far the others are
// behind. Its number, or nullopt where no line has one.
std::optional<std::size_t> MarkBest(const Labels& labels, const FoldPlan& plan, Board& board);

// The chosen line first, then each learner's best by nested scores, other settings by their scores,
// then those without; {"learner", "setting", "value", "nested", ...}: "value" is what the line
// stands by, nested where it says so. `most`: of each learner only the best so many.
[[nodiscard]] Json ToJson(const Board& board, std::size_t most);
// The lines in that order.
[[nodiscard]] std::vector<const BoardLine*> Ranked(const Board& board, std::size_t most);

}  // namespace penstock::train
