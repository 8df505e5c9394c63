// What is fitted on answers to rows that the model was not fitted on: a calibration, and the
// probability from which on a row is decided positive. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/model_format/calibration.h"
#include "components/train/learner.h"
#include "components/train/options.h"
#include "operator/base/result.h"

namespace penstock::train {

// Answers of a model to rows held out, with what is true of them.
struct HeldOutAnswers {
  std::vector<std::uint32_t> rows;  // of the table, ascending
  std::vector<std::uint32_t> fold;  // of each row: which fitted model answered it
  std::vector<double> answers;      // Target::width() a row
  std::vector<double> y;
  std::vector<double> weight;        // empty: 1 each
  std::vector<std::uint32_t> group;  // rows of one stay in one part; empty: none
};

// Platt: Newton's method on the logit of the answer, with his targets (N+ + 1) / (N+ + 2) and
// 1 / (N- + 2) (Lin, Lin, Weng, Machine Learning 68, 2007). Isotonic: pool adjacent violators.
// Method kNone where Platt's slope is not above 0: the answers rank the wrong way, or not at all,
// and there is nothing to calibrate.
[[nodiscard]] Result<sdk::Calibration> FitCalibration(sdk::CalibrationMethod method,
                                                      const HeldOutAnswers& held_out,
                                                      const Target& target);

// The answers as a calibration fitted on the other parts' rows makes them: what a calibrated model
// is judged by. Parts are the folds, or five (by rows or groups) where one model answered all.
// Empty where the calibration of some part would be kNone: answers that are calibrated and such
// that are not are no answers of one model, and what some rows do not bear out is not to be had.
[[nodiscard]] Result<std::vector<double>> CrossCalibrated(sdk::CalibrationMethod method,
                                                          const HeldOutAnswers& held_out,
                                                          const Target& target, std::uint64_t seed);

// The best of those halfway between two neighbouring answers, and 0; of equally good ones that
// nearest to 0.5. Criteria: f1; accuracy; balancedAccuracy and youden (recall of both classes: the
// same choice by two names); cost: least falsePositive * FP + falseNegative * FN. `weight` may be
// empty. Fixed, or one class only: options.fixed.
[[nodiscard]] double ChooseThreshold(const ThresholdOptions& options,
                                     std::span<const double> probability, std::span<const double> y,
                                     std::span<const double> weight);

}  // namespace penstock::train
