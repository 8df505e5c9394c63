#include "components/sdk/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "components/sdk/exact_sum.h"

namespace penstock::sdk {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double Auc(std::span<const float> scores, std::span<const std::uint8_t> positive) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0;  // of the positives, ranks from 1, ties share their mean rank
  double positives = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    double here = 0;
    while (j < order.size() && scores[order[j]] == scores[order[i]]) here += positive[order[j++]];
    rank_sum += here * (double(i + 1) + double(j)) / 2;
    positives += here;
    i = j;
  }
  const double negatives = double(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return kNan;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

double RowLogLoss(std::span<const float> raw, float label) {
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  const auto index = static_cast<std::size_t>(label);
  const double p = raw.size() > 1 ? double(raw[index])
                   : index == 1   ? double(raw[0])
                                  : 1 - double(raw[0]);
  return -std::log(std::clamp(p, kEps, 1 - kEps));
}

double LogLoss(std::span<const float> raw, std::size_t width, std::span<const float> labels) {
  double sum = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    sum += RowLogLoss(raw.subspan(r * width, width), labels[r]);
  }
  return labels.empty() ? kNan : sum / double(labels.size());
}

std::vector<std::vector<std::int64_t>> ConfusionMatrix(std::span<const std::uint32_t> predicted,
                                                       std::span<const float> labels,
                                                       std::size_t classes) {
  std::vector<std::vector<std::int64_t>> counts(classes, std::vector<std::int64_t>(classes, 0));
  for (std::size_t r = 0; r < labels.size(); ++r) {
    ++counts[std::size_t(labels[r])][predicted[r]];
  }
  return counts;
}

RegressionMetrics Regression(std::span<const float> predicted, std::span<const float> actual) {
  return Regression(predicted, std::vector<double>(actual.begin(), actual.end()));
}

RegressionMetrics Regression(std::span<const float> predicted, std::span<const double> actual) {
  const auto n = static_cast<double>(actual.size());
  double sse = 0, sae = 0, bias = 0;
  for (std::size_t r = 0; r < actual.size(); ++r) {
    const double error = double(predicted[r]) - actual[r];
    sse += error * error;
    sae += std::abs(error);
    bias += error;
  }
  const Moments moments = MomentsOf(actual);
  const double sst = moments.std * moments.std * n;
  return {std::sqrt(sse / n), sae / n, moments.constant ? kNan : 1 - sse / sst, bias / n};
}

Direction DirectionOf(const std::string& metric) {
  static const std::set<std::string> kMoreIsBetter = {"auc",         "accuracy", "precision",
                                                      "recall",      "f1",       "macroPrecision",
                                                      "macroRecall", "macroF1",  "r2"};
  static const std::set<std::string> kLessIsBetter = {"logLoss", "brier", "rmse", "mae"};
  if (kMoreIsBetter.contains(metric)) return Direction::kMore;
  if (kLessIsBetter.contains(metric)) return Direction::kLess;
  return metric == "bias" ? Direction::kNearZero : Direction::kNone;
}

bool IsBetter(const std::string& metric, double value, double other) {
  switch (DirectionOf(metric)) {
    case Direction::kMore:
      return value > other;
    case Direction::kLess:
      return value < other;
    case Direction::kNearZero:
      return std::abs(value) < std::abs(other);
    case Direction::kNone:
      return false;
  }
  return false;
}

double WorstOf(const std::string& metric) {
  const bool less = DirectionOf(metric) == Direction::kLess;
  const double most = std::numeric_limits<double>::max();
  return less ? most : -most;
}

}  // namespace penstock::sdk
