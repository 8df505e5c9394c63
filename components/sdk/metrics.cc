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

std::vector<RankedPoint> Ranked(std::span<const float> scores,
                                std::span<const std::uint8_t> positive,
                                std::span<const double> weights) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
  std::vector<RankedPoint> points;
  RankedPoint sum;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t r = order[i];
    (positive[r] != 0 ? sum.positives : sum.negatives) += weights.empty() ? 1 : weights[r];
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[r]) continue;
    sum.score = double(scores[r]);
    points.push_back(sum);
  }
  return points;
}

double Auc(std::span<const RankedPoint> ranked) {
  if (ranked.empty() || ranked.back().positives <= 0 || ranked.back().negatives <= 0) return kNan;
  double area = 0;
  RankedPoint last;
  for (const RankedPoint& point : ranked) {
    area += (point.negatives - last.negatives) * (point.positives + last.positives) / 2;
    last = point;
  }
  return area / (last.positives * last.negatives);
}

double Auc(std::span<const float> scores, std::span<const std::uint8_t> positive) {
  return Auc(Ranked(scores, positive));
}

double AveragePrecision(std::span<const RankedPoint> ranked) {
  if (ranked.empty() || ranked.back().positives <= 0) return kNan;
  double sum = 0;
  double before = 0;
  for (const RankedPoint& point : ranked) {
    const double gained = point.positives - before;
    if (gained > 0) sum += gained * point.positives / (point.positives + point.negatives);
    before = point.positives;
  }
  return sum / before;
}

double RowLogLoss(std::span<const float> raw, float label) {
  constexpr double kEps = std::numeric_limits<double>::epsilon();
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

Direction DirectionOf(const std::string& metric) {
  static const std::set<std::string> kMoreIsBetter = {"auc",
                                                      "averagePrecision",
                                                      "accuracy",
                                                      "balancedAccuracy",
                                                      "precision",
                                                      "recall",
                                                      "f1",
                                                      "mcc",
                                                      "macroPrecision",
                                                      "macroRecall",
                                                      "macroF1",
                                                      "macroAuc",
                                                      "macroAveragePrecision",
                                                      "microPrecision",
                                                      "microRecall",
                                                      "microF1",
                                                      "subsetAccuracy",
                                                      "labelRankingAveragePrecision",
                                                      "top3Accuracy",
                                                      "top5Accuracy",
                                                      "r2",
                                                      "explainedVariance",
                                                      "within",
                                                      "withinPercent"};
  static const std::set<std::string> kLessIsBetter = {"logLoss",
                                                      "brier",
                                                      "rmse",
                                                      "mae",
                                                      "medianAbsoluteError",
                                                      "mape",
                                                      "expectedCalibrationError",
                                                      "hammingLoss",
                                                      "coverageError",
                                                      "rankingLoss"};
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
