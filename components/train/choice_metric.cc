#include "components/train/choice_metric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "components/sdk/delong.h"
#include "components/sdk/metrics.h"

namespace penstock::train {
namespace {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr double kLeastRate = 1e-9;

double TrueProbability(const Target& target, std::span<const double> answer, double y) {
  if (target.width() == 1) return y > 0.5 ? answer[0] : 1 - answer[0];
  return answer[std::size_t(y)];
}

double Brier(const Target& target, std::span<const double> answer, double y) {
  if (target.width() == 1) return (answer[0] - y) * (answer[0] - y);
  double sum = 0;
  for (std::size_t k = 0; k < answer.size(); ++k) {
    const double d = answer[k] - (std::size_t(y) == k ? 1 : 0);
    sum += d * d;
  }
  return sum;
}

double IsWrong(const Target& target, std::span<const double> answer, double y) {
  if (target.width() == 1) return (answer[0] >= 0.5) == (y > 0.5) ? 0 : 1;
  const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
  return std::size_t(best) == std::size_t(y) ? 0 : 1;
}

double PoissonDeviance(double p, double y) {
  p = std::max(p, kLeastRate);
  return 2 * ((y > 0 ? y * std::log(y / p) : 0) - y + p);
}

double WeightOf(std::span<const double> weight, std::size_t r) {
  return weight.empty() ? 1 : weight[r];
}

Score AucScore(std::span<const double> answers, std::span<const double> y) {
  std::vector<float> scores(answers.begin(), answers.end());
  std::vector<std::uint8_t> positive(y.size());
  std::size_t positives = 0;
  for (std::size_t r = 0; r < y.size(); ++r) positives += positive[r] = y[r] > 0.5 ? 1 : 0;
  Score score;
  score.value = sdk::Auc(scores, positive);
  if (positives >= 2 && y.size() - positives >= 2) {
    score.standard_error = sdk::AucStandardError(scores, positive);
  }
  return score;
}

// The value from which on half (or `quantile`) of the weight lies below.
double QuantileOf(std::span<const double> y, std::span<const double> weight, double quantile) {
  std::vector<std::size_t> order(y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return y[a] < y[b]; });
  double all = 0;
  for (std::size_t r = 0; r < y.size(); ++r) all += WeightOf(weight, r);
  double sum = 0;
  for (const std::size_t r : order) {
    sum += WeightOf(weight, r);
    if (sum >= quantile * all) return y[r];
  }
  return y[order.back()];
}

}  // namespace

Result<std::string> ChoiceMetric(const std::string& wanted, const Target& target) {
  const bool classes = target.task == sdk::ModelTask::kClassification;
  if (wanted == "auto") {
    switch (target.loss) {
      case Loss::kLog:
        return std::string("logLoss");
      case Loss::kSquared:
        return std::string("rmse");
      case Loss::kAbsolute:
      case Loss::kHuber:
        return std::string("mae");
      case Loss::kPoisson:
        return std::string("poissonDeviance");
      case Loss::kQuantile:
        return std::string("pinball");
    }
  }
  static const std::set<std::string> kOfClasses = {"logLoss", "brier", "accuracy", "auc"};
  if (kOfClasses.contains(wanted) != classes) {
    return Invalid("parameter metric: " + wanted + " is of a " +
                   (classes ? "regression" : "classification") + ", and this is a " +
                   Name(target.task));
  }
  if (wanted == "auc" && target.classes != 2) {
    return Invalid("parameter metric: auc is of two classes, and there are " +
                   std::to_string(target.classes));
  }
  return wanted;
}

double LossOfRow(const std::string& metric, const Target& target, std::span<const double> answer,
                 double y) {
  if (metric == "logLoss") {
    return -std::log(std::clamp(TrueProbability(target, answer, y), kEpsilon, 1 - kEpsilon));
  }
  if (metric == "brier") return Brier(target, answer, y);
  if (metric == "accuracy") return IsWrong(target, answer, y);
  if (metric == "poissonDeviance") return PoissonDeviance(answer[0], y);
  const double residual = y - answer[0];
  if (metric == "rmse") return residual * residual;
  if (metric == "mae") return std::abs(residual);
  return std::max(target.quantile * residual, (target.quantile - 1) * residual);  // pinball
}

Score ScoreOfLosses(const std::string& metric, std::vector<double> losses,
                    std::span<const double> weight) {
  Score score;
  double all = 0;
  double sum = 0;
  for (std::size_t r = 0; r < losses.size(); ++r) {
    all += WeightOf(weight, r);
    sum += WeightOf(weight, r) * losses[r];
  }
  const double mean = sum / all;
  double squares = 0;
  for (std::size_t r = 0; r < losses.size(); ++r) {
    const double d = WeightOf(weight, r) * (losses[r] - mean);
    squares += d * d;
  }
  score.standard_error = std::sqrt(squares) / all;
  score.value = mean;
  if (metric == "accuracy") score.value = 1 - mean;
  if (metric == "rmse") {
    score.value = std::sqrt(mean);
    score.standard_error = score.value > 0 ? score.standard_error / (2 * score.value) : 0;
  }
  score.losses = std::move(losses);
  return score;
}

Score ScoreOf(const std::string& metric, const Target& target, std::span<const double> answers,
              std::span<const double> y, std::span<const double> weight) {
  if (metric == "auc") return AucScore(answers, y);
  std::vector<double> losses(y.size());
  const std::size_t width = target.width();
  for (std::size_t r = 0; r < y.size(); ++r) {
    losses[r] = LossOfRow(metric, target, answers.subspan(r * width, width), y[r]);
  }
  return ScoreOfLosses(metric, std::move(losses), weight);
}

bool IsBetterChoice(const std::string& metric, double value, double other) {
  if (std::isnan(value)) return false;
  if (std::isnan(other)) return true;
  return metric == "auc" || metric == "accuracy" ? value > other : value < other;
}

double PairedStandardError(std::span<const double> a, std::span<const double> b,
                           std::span<const double> weight) {
  std::vector<double> difference(a.size());
  for (std::size_t r = 0; r < a.size(); ++r) difference[r] = a[r] - b[r];
  return ScoreOfLosses("", std::move(difference), weight).standard_error;
}

std::vector<double> ConstantAnswer(const Target& target, std::span<const double> y,
                                   std::span<const double> weight) {
  if (target.loss == Loss::kAbsolute || target.loss == Loss::kHuber) {
    return {QuantileOf(y, weight, 0.5)};
  }
  if (target.loss == Loss::kQuantile) return {QuantileOf(y, weight, target.quantile)};
  std::vector<double> answer(target.width(), 0);
  double all = 0;
  for (std::size_t r = 0; r < y.size(); ++r) {
    const double w = WeightOf(weight, r);
    all += w;
    if (target.width() == 1) {
      answer[0] += w * y[r];
    } else {
      answer[std::size_t(y[r])] += w;
    }
  }
  for (double& a : answer) a /= all;
  return answer;
}

}  // namespace penstock::train
