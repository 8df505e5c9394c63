// How wrong a learner's answers are by the loss that it makes small: what tells it how long to go
// on. What the frame chooses by is choice_metric.h. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "components/train/learner.h"

namespace penstock::train {

// The loss of each row's answer as Fitted gives it, times the row's weight; Huber's delta is
// target.delta times `scale`.
[[nodiscard]] std::vector<double> LossesOf(const Target& target, std::span<const double> answers,
                                           const Rows& rows, double scale);
// Their weighted mean.
[[nodiscard]] double MeanLoss(const Target& target, std::span<const double> answers,
                              const Rows& rows, double scale);

// A row's weight, 1 where there are none; the label's weighted mean.
[[nodiscard]] double WeightOf(const Rows& rows, std::size_t i);
[[nodiscard]] double WeightedMean(const Rows& rows);
// The label's weighted standard deviation; 1 for a constant label.
[[nodiscard]] double LabelScale(const Rows& rows);

}  // namespace penstock::train
