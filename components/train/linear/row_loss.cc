#include "components/train/linear/row_loss.h"

#include <algorithm>
#include <cmath>

#include "components/train/linear/kernels.h"

namespace penstock::train {
namespace {

// Overwrites z by probabilities; returns log of their denominator.
double Softmax(double* z, std::size_t n) {
  const double most = *std::max_element(z, z + n);
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double e = std::exp(z[k] - most);
    sum += e;
    z[k] = e;
  }
  for (std::size_t k = 0; k < n; ++k) z[k] /= sum;
  return std::log(sum) + most;
}

double Sigmoid(double z) {
  const double e = std::exp(-std::abs(z));
  return (z < 0 ? e : 1) / (1 + e);
}

struct Point {
  double loss = 0;
  double derivative = 0;  // by z
  double curvature = 0;
};

Point Of(const RowLoss& own, double y, double z) {
  const double r = y - z;
  switch (own.loss) {
    case Loss::kHuber: {
      const double size = std::abs(r);
      if (size <= own.delta) return {r * r / 2, -r, 1};
      return {own.delta * (size - own.delta / 2), r > 0 ? -own.delta : own.delta, own.delta / size};
    }
    case Loss::kPoisson: {
      const double mean = std::exp(z);
      return {mean - y * z, mean - y, mean};
    }
    case Loss::kAbsolute: {
      const double size = std::hypot(r, own.smoothing);
      return {size - own.smoothing, -r / size, 1 / size};
    }
    case Loss::kQuantile: {
      const double size = std::hypot(r, own.smoothing);
      const double tilt = own.quantile - 0.5;
      return {(size - own.smoothing) / 2 + tilt * r, -r / size / 2 - tilt, 0.5 / size};
    }
    case Loss::kLog:
    case Loss::kSquared:
      break;
  }
  return {r * r / 2, -r, 1};
}

double WeightOf(std::span<const float> weight, std::size_t i) {
  return weight.empty() ? 1 : double(weight[i]);
}

double BinaryDerivatives(std::span<const double> y, std::span<const float> weight, double* z) {
  constexpr std::size_t kBlock = 256;
  double p[kBlock];
  double sum = 0;
  for (std::size_t from = 0; from < y.size(); from += kBlock) {
    const std::size_t n = std::min(kBlock, y.size() - from);
    double* own = z + from;
    const double logs = BestLinearKernels().logistic(own, n, p);
    if (weight.empty()) sum += logs;
    for (std::size_t i = 0; i < n; ++i) {
      const double label = y[from + i];
      const double linear = std::max(own[i], 0.0) - label * own[i];
      if (weight.empty()) {
        sum += linear;
      } else {
        const double w = double(weight[from + i]);
        sum += w * (linear + std::log1p(std::exp(-std::abs(own[i]))));
      }
      own[i] = (p[i] - label) * WeightOf(weight, from + i);
    }
  }
  return sum;
}

}  // namespace

double RowLoss::Derivatives(std::span<const double> y, std::span<const float> weight,
                            double* z) const {
  if (loss == Loss::kLog && outputs == 1) return BinaryDerivatives(y, weight, z);
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = WeightOf(weight, i);
    if (loss != Loss::kLog) {
      const Point point = Of(*this, y[i], z[i]);
      sum += w * point.loss;
      z[i] = w * point.derivative;
      continue;
    }
    double* own = z + i * outputs;
    const auto label = std::size_t(y[i]);
    const double z_label = own[label];
    sum += w * (Softmax(own, outputs) - z_label);
    own[label] -= 1;
    for (std::size_t k = 0; k < outputs; ++k) own[k] *= w;
  }
  return sum;
}

void RowLoss::Curvatures(std::span<const double> y, std::span<const float> weight, bool pairs,
                         double* z, std::vector<float>& to) const {
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = WeightOf(weight, i);
    if (loss != Loss::kLog) {
      to.push_back(float(w * Of(*this, y[i], z[i]).curvature));
      continue;
    }
    double* p = z + i * outputs;
    if (outputs == 1) {
      *p = Sigmoid(*p);
    } else {
      (void)Softmax(p, outputs);
    }
    for (std::size_t k = 0; k < outputs; ++k) {
      for (std::size_t l = pairs ? 0 : k; l < k; ++l) to.push_back(float(-w * p[k] * p[l]));
      to.push_back(float(w * p[k] * (1 - p[k])));
    }
  }
}

void RowLoss::Answer(double* z) const {
  if (loss == Loss::kPoisson) *z = std::exp(*z);
  if (loss != Loss::kLog) return;
  if (outputs == 1) {
    *z = Sigmoid(*z);
  } else {
    (void)Softmax(z, outputs);
  }
}

}  // namespace penstock::train
