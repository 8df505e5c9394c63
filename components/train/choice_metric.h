// The number by which candidates are told apart, and the loss of each row behind it. Pure.
//
//   classification   logLoss brier accuracy auc
//   regression       rmse mae poissonDeviance pinball
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/result.h"

namespace penstock::train {

// `wanted`: a name as above, or auto: logLoss, or what the target's loss is (huber: mae). Invalid
// for a metric of the other task.
[[nodiscard]] Result<std::string> ChoiceMetric(const std::string& wanted, const Target& target);

// How wrong one row's answer (Target::width() numbers) is, less is better. Log loss clips at the
// epsilon of float32, as sdk/metrics.h; accuracy counts the wrong ones, rmse the squares. None for
// auc, which no single row has. Poisson deviance: 2 (y log(y / p) - y + p), p at least 1e-9.
[[nodiscard]] double LossOfRow(const std::string& metric, const Target& target,
                               std::span<const double> answer, double y);

struct Score {
  double value = 0;            // as people read it: accuracy, not its complement
  double standard_error = 0;   // of the value
  std::vector<double> losses;  // by row; empty for auc
};

// Of these rows. `weight` may be empty; auc counts rows, whatever their weight.
[[nodiscard]] Score ScoreOf(const std::string& metric, const Target& target,
                            std::span<const double> answers, std::span<const double> y,
                            std::span<const double> weight);
// Of losses by row, each a mean over repeats.
[[nodiscard]] Score ScoreOfLosses(const std::string& metric, std::vector<double> losses,
                                  std::span<const double> weight);

[[nodiscard]] bool IsBetterChoice(const std::string& metric, double value, double other);

// The standard error of the difference of two means of losses, by row.
[[nodiscard]] double PairedStandardError(std::span<const double> a, std::span<const double> b,
                                         std::span<const double> weight);

// The best constant answer of these rows: shares of the classes, mean, median or quantile.
[[nodiscard]] std::vector<double> ConstantAnswer(const Target& target, std::span<const double> y,
                                                 std::span<const double> weight);

}  // namespace penstock::train
