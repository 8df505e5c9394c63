// The probability from which on a row is decided positive, from answers to rows held out. Pure.
#pragma once

#include <span>

#include "components/train/options.h"

namespace penstock::train {

// The best of those halfway between two neighbouring answers, and 0; of equally good ones that
// nearest to 0.5. Criteria: f1; accuracy; balancedAccuracy and youden (recall of both classes: the
// same choice by two names); cost: least falsePositive * FP + falseNegative * FN. `weight` may be
// empty. Fixed, or one class only: options.fixed.
[[nodiscard]] double ChooseThreshold(const ThresholdOptions& options,
                                     std::span<const double> probability, std::span<const double> y,
                                     std::span<const double> weight);

}  // namespace penstock::train
