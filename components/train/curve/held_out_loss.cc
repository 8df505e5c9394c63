#include "components/train/curve/held_out_loss.h"

#include <algorithm>
#include <cmath>

namespace penstock::train {

double WeightOf(const Rows& rows, std::size_t i) {
  return rows.weight.empty() ? 1.0 : rows.weight[i];
}

double WeightedMean(const Rows& rows) {
  double sum = 0;
  double total = 0;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    sum += WeightOf(rows, i) * rows.y[i];
    total += WeightOf(rows, i);
  }
  return sum / total;
}

namespace {

double LossOfRow(const Target& target, const double* answer, double y, double delta) {
  constexpr double kLeast = 1e-15;
  const double a = *answer;
  switch (target.loss) {
    case Loss::kLog: {
      const double p = target.width() > 1 ? answer[std::size_t(y)] : (y > 0.5 ? a : 1 - a);
      return -std::log(std::max(p, kLeast));
    }
    case Loss::kSquared:
      return (y - a) * (y - a);
    case Loss::kAbsolute:
      return std::abs(y - a);
    case Loss::kHuber: {
      const double r = std::abs(y - a);
      return r <= delta ? r * r / 2 : delta * (r - delta / 2);
    }
    case Loss::kPoisson:
      return a - y * std::log(std::max(a, kLeast));
    case Loss::kQuantile:
      return y >= a ? target.quantile * (y - a) : (1 - target.quantile) * (a - y);
  }
  return 0;
}

}  // namespace

double LabelScale(const Rows& rows) {
  const double mean = WeightedMean(rows);
  double sum = 0;
  double total = 0;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    sum += WeightOf(rows, i) * (rows.y[i] - mean) * (rows.y[i] - mean);
    total += WeightOf(rows, i);
  }
  const double scale = std::sqrt(sum / total);
  return scale > 0 ? scale : 1;
}

std::vector<double> LossesOf(const Target& target, std::span<const double> answers,
                             const Rows& rows, double scale) {
  std::vector<double> losses(rows.y.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    losses[i] = WeightOf(rows, i) * LossOfRow(target, answers.data() + i * target.width(),
                                              rows.y[i], target.delta * scale);
  }
  return losses;
}

double MeanLoss(const Target& target, std::span<const double> answers, const Rows& rows,
                double scale) {
  double sum = 0;
  double total = 0;
  for (const double loss : LossesOf(target, answers, rows, scale)) sum += loss;
  for (std::size_t i = 0; i < rows.y.size(); ++i) total += WeightOf(rows, i);
  return total > 0 ? sum / total : 0;
}

}  // namespace penstock::train
