// What a network is told to make small. Includes LibTorch.
#pragma once

#include <torch/types.h>

#include "components/sdk/network.h"
#include "components/train/learner.h"

namespace penstock::train {

// How a target's labels stand before a network: outputs, answer, offset and scale of the spec. The
// mean and the standard deviation of the labels (kSquared, kHuber), their quantile instead of the
// mean (kAbsolute, kQuantile), their mean as scale (kPoisson). Labels that are all the same have
// the scale 0, so that the answer is that label. Invalid for a negative label of kPoisson.
[[nodiscard]] Result<void> FitAnswer(const Rows& rows, const Target& target,
                                     sdk::NetworkSpec* spec);

// The network's first answer: log odds of the classes, as often as they are (each half a row more);
// zeros for values. [outputs].
[[nodiscard]] torch::Tensor FirstLogits(const Rows& rows, const Target& target);

// Labels as LossOf takes them: int64 classes of several, float32 else. [rows], on the CPU.
[[nodiscard]] torch::Tensor LabelTensor(std::span<const double> y, const Target& target,
                                        const sdk::NetworkSpec& spec);

// The losses of each member's rows, logits [members, N, outputs] -> [members, N]. `smoothing` of
// the true class's weight is given to all classes alike (Szegedy et al. 2016).
[[nodiscard]] torch::Tensor LossOf(const torch::Tensor& logits, const torch::Tensor& y,
                                   const Target& target, double smoothing);

}  // namespace penstock::train
