// Whether more rows would help: the chosen learner on a half, a quarter, an eighth and a sixteenth
// of the training rows of each fold, judged by the very rows held out that chose it. Each part is
// learnt as all rows were (settings and rounds by the rows held out, nested.h), so that the parts
// compare; each part lies within the next, classes spread evenly, groups whole.
//
// What is left: where several learners were tried, the answers to all rows are those of the one
// that was best on these very rows held out, and the smaller parts' are not, so that the last gain
// is a little too good; and folds share training rows.
//
// The gain of the last doubling is the difference of the losses of the same rows; its standard
// error is that of paired rows, for a root of a mean by the delta method. Groups and auc have none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/train/choose.h"

namespace penstock::train {

struct CurvePoint {
  double rows = 0;  // learnt from, the mean over the folds
  Score score;      // of the rows held out
};

struct LearningCurve {
  std::vector<CurvePoint> points;    // by rows; the last: all of a fold's training rows
  double training = 0;               // the metric on the rows that the model was fitted on
  double gain = 0;                   // of the last doubling: above 0 is better
  std::optional<double> gain_error;  // its standard error
  std::string more_rows;             // help, doNotHelp, undecided
  std::string why;                   // a sentence for people
};

// `fitted` is the model on `rows`. nullopt where a half is too small to learn from (fewer than 50
// rows, or a class is missing), or cannot be learnt from, which is said; the error is of answering
// `rows`, or Cancelled.
[[nodiscard]] Result<std::optional<LearningCurve>> DrawLearningCurve(
    const Table& table, const Choice& choice, const FittedModel& fitted,
    const std::vector<std::uint32_t>& rows);

[[nodiscard]] Json ToJson(const LearningCurve& curve);

}  // namespace penstock::train
