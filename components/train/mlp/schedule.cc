#include "components/train/mlp/schedule.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace penstock::train {
namespace {

constexpr double kRise = 0.25;  // of the cycle
constexpr double kStartsBelow = 25;
constexpr double kEndsBelow = 1e5;
constexpr double kHighMomentum = 0.95;
constexpr double kLowMomentum = 0.85;
constexpr double kLowestRate = 1e-7;
constexpr double kHighestRate = 10;

double Cosine(double from, double to, double share) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

}  // namespace

Pace OneCycle(double progress, double rate) {
  if (progress < kRise) {
    const double share = progress / kRise;
    return {Cosine(rate / kStartsBelow, rate, share), Cosine(kHighMomentum, kLowMomentum, share)};
  }
  const double share = (progress - kRise) / (1 - kRise);
  return {Cosine(rate, rate / kEndsBelow, share), Cosine(kLowMomentum, kHighMomentum, share)};
}

double FinderRate(std::int64_t step) {
  return kLowestRate *
         std::pow(kHighestRate / kLowestRate, double(step) / double(kFinderSteps - 1));
}

std::size_t Valley(std::span<const double> losses) {
  std::vector<std::size_t> length(losses.size(), 1);  // of the longest that ends here
  std::size_t end = 0;
  for (std::size_t i = 1; i < losses.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (losses[j] > losses[i] && length[j] >= length[i]) length[i] = length[j] + 1;
    }
    if (length[i] > length[end]) end = i;
  }
  const std::size_t start = end - (length[end] - 1);
  const std::size_t third = (end - start) / 3;
  return start + third + third / 2;
}

}  // namespace penstock::train
