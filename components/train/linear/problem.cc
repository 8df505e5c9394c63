#include "components/train/linear/problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/train/linear/kernels.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr std::size_t kBlockFloats = 16384;  // half of a core's first cache
constexpr double kConstant = 1e-6;  // of a column's size: a spread below it is rounding of float32

// The value below which the share `q` of the weight lies.
double QuantileOf(std::span<const double> y, std::span<const float> weight, double q) {
  std::vector<std::size_t> order(y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return y[a] < y[b]; });
  const auto of = [&](std::size_t i) { return weight.empty() ? 1.0 : double(weight[i]); };
  double total = 0;
  for (const auto i : order) total += of(i);
  double below = 0;
  for (const auto i : order) {
    below += of(i);
    if (below >= q * total) return y[i];
  }
  return y[order.back()];
}

}  // namespace

std::vector<double> LinearModel::Answers(const float* x, std::size_t rows) const {
  std::vector<double> answers(rows * loss.outputs);
  for (std::size_t i = 0; i < rows; ++i) {
    double* z = answers.data() + i * loss.outputs;
    for (std::size_t k = 0; k < loss.outputs; ++k) {
      z[k] = intercepts[k];
      const double* w = weights.data() + k * width;
      for (std::size_t j = 0; j < width; ++j) z[k] += w[j] * double(x[i * width + j]);
    }
    loss.Answer(z);
    for (std::size_t k = 0; k < loss.outputs; ++k) z[k] = scale * z[k] + offset;
  }
  return answers;
}

Result<LinearProblem> LinearProblem::Make(const Rows& rows, const Context& context, double bends) {
  LinearProblem problem;
  problem.x_ = rows.x->data.get();
  problem.width_ = rows.x->width;
  const Target& target = context.target;
  problem.loss_.loss = target.task == sdk::ModelTask::kClassification ? Loss::kLog : target.loss;
  problem.loss_.outputs = target.width();
  problem.loss_.delta = target.delta;
  problem.loss_.quantile = target.quantile;
  if (rows.x->rows == 0) return Invalid("linear: there are no rows to learn from");
  if (!rows.weight.empty()) {
    const double total = std::accumulate(rows.weight.begin(), rows.weight.end(), 0.0);
    if (!(total > 0)) return Invalid("linear: the rows' weights sum to 0; give some a weight");
    for (const double w : rows.weight) {
      problem.weight_.push_back(float(w * double(rows.x->rows) / total));
    }
  }
  PENSTOCK_TRY(problem.PrepareLabels(context, rows.y));
  PENSTOCK_TRY(problem.Standardise(context, bends));
  return problem;
}

Result<void> LinearProblem::PrepareLabels(const Context& context, std::span<const double> y) {
  y_.assign(y.begin(), y.end());
  const auto weight = [&](std::size_t i) { return weight_.empty() ? 1.0 : double(weight_[i]); };
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (loss_.loss == Loss::kLog && !(y[i] >= 0 && y[i] < double(context.target.classes))) {
      return Internal("linear: row " + std::to_string(i) + " is of no class");
    }
    if (loss_.loss == Loss::kPoisson && y[i] < 0) {
      return Invalid("linear: a label is " + std::to_string(y[i]) + " (row " + std::to_string(i) +
                     "); loss poisson takes none below 0: take squared or huber");
    }
  }
  if (loss_.loss == Loss::kLog) return {};
  double mean = 0;
  for (std::size_t i = 0; i < y.size(); ++i) mean += weight(i) * y[i];
  mean /= double(y.size());
  double square = 0;
  for (std::size_t i = 0; i < y.size(); ++i) square += weight(i) * (y[i] - mean) * (y[i] - mean);
  const double sd = std::sqrt(square / double(y.size()));
  if (loss_.loss == Loss::kPoisson) {
    scale_ = mean > 0 ? mean : 1;
  } else {
    scale_ = sd > 1e-12 * std::abs(mean) ? sd : 1;
    offset_ = mean;
  }
  for (double& value : y_) value = (value - offset_) / scale_;
  return {};
}

Result<void> LinearProblem::Standardise(const Context& context, double bends) {
  mean_.assign(width_, 0);
  inverse_.assign(width_, 0);
  stiffness_.assign(width_, 1);
  const auto name = [&](std::size_t j) {
    return j < context.features.size() ? "'" + context.features[j].name + "'"
                                       : "number " + std::to_string(j);
  };
  for (std::size_t j = 0; j < context.features.size(); ++j) {
    if (context.features[j].cardinality == 0) continue;
    return Invalid("linear: feature " + name(j) +
                   " holds ids; a linear model takes the view dense (one-hot)");
  }
  std::vector<double> square(width_);
  const auto pass = [&](std::vector<double>& sums, bool second) {
    for (std::size_t i = 0; i < y_.size(); ++i) {
      const float* row = x_ + i * width_;
      const double w = weight_.empty() ? 1 : double(weight_[i]);
      if (w == 0) continue;
      if (second) {
        for (std::size_t j = 0; j < width_; ++j) {
          const double d = double(row[j]) - mean_[j];
          sums[j] += w * d * d;
        }
      } else {
        for (std::size_t j = 0; j < width_; ++j) sums[j] += w * double(row[j]);
      }
    }
    for (double& sum : sums) sum /= double(y_.size());
  };
  pass(mean_, false);
  pass(square, true);
  for (std::size_t j = 0; j < width_; ++j) {
    if (!std::isfinite(square[j])) {
      return Invalid("linear: feature " + name(j) +
                     " is not finite in some row; impute it, or clip it, in the transform");
    }
    const double sd = std::sqrt(square[j]);
    if (sd <= kConstant * std::abs(mean_[j]) || sd < 1e-30) continue;
    if (j < context.features.size() && context.features[j].bend) {
      stiffness_[j] = bends;
    }
    inverse_[j] = 1 / sd;
  }
  return {};
}

std::size_t LinearProblem::BlockRows() const {
  return std::clamp<std::size_t>(kBlockFloats / (width_ + loss_.outputs), 8, 256) / 8 * 8;
}

void LinearProblem::Unscale(std::span<const double> theta, std::vector<double>& v,
                            std::vector<double>& c) const {
  v.resize(outputs() * width_);
  c.resize(outputs());
  for (std::size_t k = 0; k < outputs(); ++k) {
    const double* own = theta.data() + k * (width_ + 1);
    c[k] = own[width_];
    for (std::size_t j = 0; j < width_; ++j) {
      const double w = own[j] * inverse_[j];
      v[k * width_ + j] = w;
      c[k] -= mean_[j] * w;
    }
  }
}

void LinearProblem::Predict(const float* x, std::size_t rows, const std::vector<double>& v,
                            const std::vector<double>& c, double* z) const {
  BestLinearKernels().products(x, rows, width_, v.data(), outputs(), z);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < outputs(); ++k) {
      z[i * outputs() + k] += c[k];
    }
  }
}

double LinearProblem::Evaluate(std::span<const double> theta, std::span<double> gradient) const {
  const std::size_t n = y_.size();
  const std::size_t block = BlockRows();
  const std::size_t outs = outputs();
  std::vector<double> v;
  std::vector<double> c;
  Unscale(theta, v, c);
  std::vector<double> z(block * outs);
  std::vector<double> sums(outs * width_);
  std::vector<double> residuals(outs);
  double value = 0;
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t rows = std::min(block, n - first);
    const float* x = x_ + first * width_;
    Predict(x, rows, v, c, z.data());
    const auto weight =
        weight_.empty() ? std::span<const float>() : std::span(weight_).subspan(first, rows);
    value += loss_.Derivatives(std::span(y_).subspan(first, rows), weight, z.data());
    for (std::size_t i = 0; i < rows * outs; ++i) residuals[i % outs] += z[i];
    BestLinearKernels().sums(x, rows, width_, z.data(), outs, sums.data());
  }
  const std::vector<double> penalties = ScaledPenalty();
  value /= double(n);
  for (std::size_t k = 0; k < outs; ++k) {
    const double* own = theta.data() + k * (width_ + 1);
    double* to = gradient.data() + k * (width_ + 1);
    for (std::size_t j = 0; j < width_; ++j) {
      const double raw = sums[k * width_ + j] - mean_[j] * residuals[k];
      to[j] = raw * inverse_[j] / double(n) + penalties[j] * own[j];
      value += penalties[j] * own[j] * own[j] / 2;
    }
    to[width_] = residuals[k] / double(n);
  }
  return value;
}

std::vector<double> LinearProblem::ScaledPenalty() const {
  std::vector<double> scaled(width_);
  for (std::size_t j = 0; j < width_; ++j) {
    scaled[j] = penalty_ * stiffness_[j] * inverse_[j] * inverse_[j];
  }
  return scaled;
}

std::vector<double> LinearProblem::Start() const {
  constexpr double kLeast = 1e-7;  // share of a class without rows: below what the search tells
  std::vector<double> theta(outputs() * (width_ + 1));
  const auto weight = [&](std::size_t i) { return weight_.empty() ? 1.0 : double(weight_[i]); };
  double& intercept = theta[width_];
  switch (loss_.loss) {
    case Loss::kLog: {
      std::vector<double> share(std::max<std::size_t>(2, outputs()));
      for (std::size_t i = 0; i < y_.size(); ++i) {
        share[std::size_t(y_[i])] += weight(i) / double(y_.size());
      }
      for (double& s : share) s = std::max(s, kLeast);
      if (outputs() == 1) {
        intercept = std::log(share[1] / share[0]);
        break;
      }
      for (std::size_t k = 0; k < outputs(); ++k) {
        theta[k * (width_ + 1) + width_] = std::log(share[k]);
      }
      break;
    }
    case Loss::kSquared:
    case Loss::kPoisson:  // means of 0, and of 1 whose logarithm is 0
      break;
    case Loss::kHuber:
    case Loss::kAbsolute:
      intercept = QuantileOf(y_, weight_, 0.5);
      break;
    case Loss::kQuantile:
      intercept = QuantileOf(y_, weight_, loss_.quantile);
      break;
  }
  return theta;
}

LinearModel LinearProblem::Model(std::span<const double> theta) const {
  LinearModel model;
  model.loss = loss_;
  model.width = width_;
  model.scale = scale_;
  model.offset = offset_;
  for (std::size_t k = 0; k < outputs(); ++k) {
    const double* own = theta.data() + k * (width_ + 1);
    double intercept = own[width_];
    for (std::size_t j = 0; j < width_; ++j) {
      model.weights.push_back(own[j] * inverse_[j]);
      intercept -= mean_[j] * model.weights.back();
    }
    model.intercepts.push_back(intercept);
  }
  if (outputs() > 1) {
    const double mean =
        std::accumulate(model.intercepts.begin(), model.intercepts.end(), 0.0) / double(outputs());
    for (double& b : model.intercepts) b -= mean;
  }
  return model;
}

}  // namespace penstock::train
