// Do the probabilities mean what they say? And do a regression's answers? Pure; the same draws each
// time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/evaluate/scoring.h"
#include "components/sdk/metrics.h"

namespace penstock::evaluate {

// Rows of about equal answers.
struct CalibrationBin {
  std::int64_t rows = 0;
  double answered = 0;  // weighted mean: of the probability, of the regression's answers
  double actual = 0;    // the share of the class that came true, the mean of the labels
  double low = 0;       // interval of `actual`; Wilson's of a share, else by the normal
  double high = 0;
};

struct CalibrationLine {
  double value = 0;
  sdk::Interval interval;
};

struct Calibration {
  std::string of;  // what is binned: "probability", "confidence" (of the decided class), "answer"
  std::vector<CalibrationBin> bins;  // by rising answer, about as many rows each; ties together
  // sum over bins of (weight of the bin) |actual - answered| (Guo et al., ICML 2017, by equal
  // counts). Interval: see below. Not defined for a regression.
  sdk::Metric error;
  // Two classes: of logit P(y) = intercept + slope * logit(p) by maximum likelihood (Cox,
  // Biometrika 45, 1958), p within [1e-6, 1 - 1e-6]; regression: least squares of label on answer.
  // 0 and 1 are right. Absent where there is none: one class, classes that p separates, answers
  // that are equal.
  std::optional<CalibrationLine> intercept;
  std::optional<CalibrationLine> slope;
};

// The interval of `error` is [max(0, e - q), e + q], with q the quantile `confidence` of what
// chance alone makes of it: the sum over the bins of |label share - its expectation|, by 2000 draws
// of labels, the larger of drawing them with the answered and with the observed probabilities. By
// the triangle inequality it holds the bins' true error at least as often as `confidence` says, and
// 0, for probabilities that are right, just as often: a plain bootstrap of `e` never holds 0.
[[nodiscard]] Calibration CalibrationOf(const Scored& scored, double confidence);

[[nodiscard]] Json ToJson(const Calibration& calibration);

}  // namespace penstock::evaluate
