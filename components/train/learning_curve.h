// Whether more rows would help: the chosen learner on a half, a quarter, an eighth and a sixteenth
// of the training rows of each fold, judged by the very rows held out that chose it. Each part is
// learnt as all rows were (settings and rounds by the rows held out, nested.h), so that the parts
// compare; each part lies within the next, classes spread evenly, groups whole.
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
// rows, or a class is missing); the error is a learner's, or Cancelled.
[[nodiscard]] Result<std::optional<LearningCurve>> DrawLearningCurve(
    const Table& table, const Choice& choice, const FittedModel& fitted,
    const std::vector<std::uint32_t>& rows);

[[nodiscard]] Json ToJson(const LearningCurve& curve);

}  // namespace penstock::train
