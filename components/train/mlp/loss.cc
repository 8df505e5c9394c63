#include "components/train/mlp/loss.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

namespace penstock::train {
namespace {

double WeightOf(const Rows& rows, std::size_t i) {
  return rows.weight.empty() ? 1 : rows.weight[i];
}

// The smallest label below which (and with which) lies `share` of the weight.
double WeightedQuantile(const Rows& rows, double share) {
  std::vector<std::size_t> order(rows.y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows.y[a] < rows.y[b]; });
  double total = 0;
  for (const std::size_t i : order) total += WeightOf(rows, i);
  double sum = 0;
  for (const std::size_t i : order) {
    sum += WeightOf(rows, i);
    if (sum >= share * total) return rows.y[i];
  }
  return rows.y[order.back()];
}

// Of the rows that weigh anything.
bool Constant(const Rows& rows) {
  std::optional<double> first;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    if (WeightOf(rows, i) == 0) continue;
    if (!first) first = rows.y[i];
    if (rows.y[i] != *first) return false;
  }
  return true;
}

}  // namespace

Result<void> FitAnswer(const Rows& rows, const Target& target, sdk::NetworkSpec* spec) {
  spec->outputs = std::int64_t(target.width());
  if (target.task == sdk::ModelTask::kClassification) {
    spec->answer = target.width() == 1 ? sdk::Answer::kProbability : sdk::Answer::kProbabilities;
    return {};
  }
  double total = 0;
  double mean = 0;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    total += WeightOf(rows, i);
    mean += WeightOf(rows, i) * rows.y[i];
  }
  mean /= total;
  double variance = 0;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    variance += WeightOf(rows, i) * (rows.y[i] - mean) * (rows.y[i] - mean);
  }
  spec->answer = sdk::Answer::kValue;
  spec->offset = mean;
  spec->scale = std::sqrt(variance / total);
  if (target.loss == Loss::kPoisson) {
    for (std::size_t i = 0; i < rows.y.size(); ++i) {
      if (rows.y[i] >= 0) continue;
      return Invalid("loss: poisson takes labels from 0 on, row " + std::to_string(i) + " has " +
                     std::to_string(rows.y[i]));
    }
    spec->answer = sdk::Answer::kRate;
    spec->offset = 0;
    spec->scale = mean;
    return {};
  }
  if (target.loss == Loss::kAbsolute) spec->offset = WeightedQuantile(rows, 0.5);
  if (target.loss == Loss::kQuantile) spec->offset = WeightedQuantile(rows, target.quantile);
  if (!Constant(rows)) return {};
  spec->offset = WeightedQuantile(rows, 1);
  spec->scale = 0;
  return {};
}

torch::Tensor FirstLogits(const Rows& rows, const Target& target) {
  std::vector<double> logits(target.width(), 0);
  if (target.task == sdk::ModelTask::kClassification) {
    double total = 0;
    std::vector<double> share(target.classes, 0);
    for (std::size_t i = 0; i < rows.y.size(); ++i) {
      share[std::size_t(rows.y[i])] += WeightOf(rows, i);
      total += WeightOf(rows, i);
    }
    for (double& s : share) s = s / total * double(rows.y.size()) + 0.5;
    if (target.width() == 1) {
      logits[0] = std::log(share[1] / share[0]);
    } else {
      std::transform(share.begin(), share.end(), logits.begin(),
                     [](double s) { return std::log(s); });
      const double mean =
          std::accumulate(logits.begin(), logits.end(), 0.0) / double(logits.size());
      for (double& l : logits) l -= mean;
    }
  }
  return torch::tensor(logits, torch::kFloat64).to(torch::kFloat32);
}

torch::Tensor LabelTensor(std::span<const double> y, const Target& target,
                          const sdk::NetworkSpec& spec) {
  auto labels = torch::empty({std::int64_t(y.size())}, torch::kFloat64);
  std::copy(y.begin(), y.end(), labels.data_ptr<double>());
  if (target.width() > 1) return labels.to(torch::kLong);
  if (target.task == sdk::ModelTask::kRegression) {
    labels = (labels - spec.offset) / (spec.scale == 0 ? 1 : spec.scale);
  }
  return labels.to(torch::kFloat32);
}

torch::Tensor LossOf(const torch::Tensor& logits, const torch::Tensor& y, const Target& target,
                     double smoothing) {
  if (target.width() > 1) {
    const auto log_p = torch::log_softmax(logits, 2);
    const auto index = y.view({1, -1, 1}).expand({logits.size(0), -1, 1});
    const auto own = -log_p.gather(2, index).squeeze(2);
    return smoothing == 0 ? own : own * (1 - smoothing) - log_p.mean(2) * smoothing;
  }
  auto z = logits.squeeze(2);
  const auto t = y.unsqueeze(0);
  switch (target.loss) {
    case Loss::kLog:
      return at::softplus(z) - z * (t * (1 - smoothing) + smoothing / 2);
    case Loss::kSquared:
      return torch::square(z - t);
    case Loss::kAbsolute:
      return torch::abs(z - t);
    case Loss::kHuber: {
      const auto r = torch::abs(z - t);
      const auto inside = torch::clamp_max(r, target.delta);
      return inside * (r - inside / 2);
    }
    case Loss::kPoisson:
      return torch::exp(z) - t * z;
    case Loss::kQuantile:
      return torch::maximum((t - z) * target.quantile, (z - t) * (1 - target.quantile));
  }
  return z;
}

}  // namespace penstock::train
