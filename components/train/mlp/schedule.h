// The learning rate over a training. Pure; no LibTorch.
#pragma once

#include <cstdint>
#include <span>

namespace penstock::train {

struct Pace {
  double rate = 0;
  double momentum = 0;  // Adam's first beta
};

// The 1-cycle policy (Smith, Topin: Super-Convergence, 2018) with fastai's constants: along a
// cosine from rate/25 up to `rate` in the first quarter, then down to rate/1e5; momentum from 0.95
// down to 0.85 and back. `progress` in [0, 1].
[[nodiscard]] Pace OneCycle(double progress, double rate);

// The learning-rate finder (Smith: Cyclical Learning Rates, 2017) with fastai's constants: rates
// grow from 1e-7 to 10 in 100 steps, and end where the smoothed loss is above four times its best
// (three times the best's size above it, as Poisson's may be negative).
inline constexpr std::int64_t kFinderSteps = 100;
inline constexpr double kFinderEnds = 4;
[[nodiscard]] double FinderRate(std::int64_t step);  // from 0

// Which of the losses' rates to take: fastai's "valley", a third and a sixth into the longest
// decreasing subsequence (its last and its length; the first of equal ones). `losses` of at least
// one.
[[nodiscard]] std::size_t Valley(std::span<const double> losses);

}  // namespace penstock::train
