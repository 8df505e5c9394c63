// The loss of rows given their linear predictors z, its derivative by z and its curvature. The
// label is in the learner's own unit (problem.h). Pure.
//
//   log        log(1 + exp(z)) - y z, or softmax's cross-entropy
//   squared    r^2 / 2,  r = y - z
//   huber      r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2)   (Huber 1964)
//   poisson    exp(z) - y z
//   absolute   |r|, and quantile: (q - [r < 0]) r, with |r| smoothed to sqrt(r^2 + h^2) - h
//
// The curvature of huber, absolute and quantile is that of the parabola that touches the loss and
// lies above it (Hunter and Lange 2000), so that a step by it descends where residuals are large.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "components/train/learner.h"

namespace penstock::train {

struct RowLoss {
  Loss loss = Loss::kSquared;
  std::size_t outputs = 1;  // more than 1: softmax
  double delta = 1;         // kHuber
  double quantile = 0.5;    // kQuantile
  double smoothing = 0;     // h of kAbsolute, kQuantile; > 0 there

  // `z` [y.size(), outputs]; overwritten by the derivatives times the weights. Returns the weighted
  // sum of the losses. `weight` empty: 1 each.
  [[nodiscard]] double Derivatives(std::span<const double> y, std::span<const float> weight,
                                   double* z) const;
  // Appends each row's curvatures times its weight: one; or of softmax one an output, by z_k twice;
  // with `pairs` by z_k and z_l, l <= k, in the order (0, 0), (1, 0), (1, 1), (2, 0), ...
  // Overwrites `z`.
  void Curvatures(std::span<const double> y, std::span<const float> weight, bool pairs, double* z,
                  std::vector<float>& to) const;
  // Overwrites z [outputs] of one row by probabilities, or by the value (exp(z) of kPoisson).
  void Answer(double* z) const;
};

}  // namespace penstock::train
