#include "components/train/linear/curvature.h"

#include <algorithm>
#include <cmath>

#include "components/train/linear/kernels.h"

namespace penstock::train {
namespace {

constexpr double kMostCholesky = 2e8;  // outputs * d^3 of a dense curvature
constexpr std::size_t kLeastSample = 8192;
constexpr std::size_t kBlockFloatsOfCurvature = 65536;  // two blocks lie in the second cache

bool IsDense(std::size_t width, std::size_t outputs) {
  const auto d = double(width + 1);
  return double(outputs) * d * d * d <= kMostCholesky;
}

// A tenth of the rows tells a curvature well enough for all but a squared loss, which is then
// solved at once.
std::size_t SampleRows(std::size_t width, std::size_t rows, bool squared) {
  return squared ? rows : std::max(kLeastSample, 8 * width);
}

// The sum of products, in four parts so that they need not wait for each other.
double Dot(const double* a, const double* b, std::size_t n) {
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t l = 0; l < 4; ++l) sums[l] += a[i + l] * b[i + l];
  }
  double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// The lower triangle a [d, d] := its Cholesky factor; false where it is not positive definite.
bool Cholesky(std::vector<double>& a, std::size_t d) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = a[i * d + j] - Dot(&a[i * d], &a[j * d], j);
      if (i != j) {
        a[i * d + j] = rest / a[j * d + j];
        continue;
      }
      if (!(rest > 1e-13 * a[i * d + i])) return false;
      a[i * d + i] = std::sqrt(rest);
    }
  }
  return true;
}

}  // namespace

Curvature::Curvature(const LinearProblem& problem)
    : problem_(problem), dense_(IsDense(problem.width(), problem.outputs())) {}

double Curvature::Cost(std::size_t rows, std::size_t width, std::size_t outputs) {
  const auto d = double(width + 1);
  if (!IsDense(width, outputs)) return 0;
  const auto sample = double(std::min(rows, SampleRows(width, rows, false)));
  return double(outputs) * (sample * d * d / 2 + d * d * d / 6);
}

void Curvature::Renew(std::span<const double> theta) {
  const bool squared = problem_.loss().loss == Loss::kSquared;
  const std::size_t most = SampleRows(problem_.width(), problem_.rows(), squared);
  factor_.resize(problem_.outputs());
  if (!dense_) {
    const std::vector<double> mean = problem_.MeanCurvatures(theta, most);
    for (std::size_t k = 0; k < problem_.outputs(); ++k) {
      factor_[k] = problem_.ScaledPenalty();
      factor_[k].push_back(0);
      for (double& own : factor_[k]) own += std::max(mean[k], 1e-8);
    }
    return;
  }
  if (!squared || matrix_.empty()) matrix_ = problem_.CurvatureMatrices(theta, most);
  for (std::size_t k = 0; k < problem_.outputs(); ++k) Factor(k);
}

void Curvature::Factor(std::size_t k) {
  const std::size_t d = problem_.width() + 1;
  const std::vector<double> penalties = problem_.ScaledPenalty();
  const std::vector<double>& matrix = matrix_[k];
  const double mean = std::max(matrix.back(), 1e-8);  // of the curvature: the intercept's entry
  const bool sampled = problem_.loss().loss != Loss::kSquared &&
                       problem_.rows() > SampleRows(problem_.width(), problem_.rows(), false);
  double ridge = 1e-10 * mean;
  while (true) {
    std::vector<double> a = matrix;
    for (std::size_t i = 0; i < d; ++i) {
      double& own = a[i * d + i];
      // All columns have variance 1 over all rows; one that the sample missed must not seem flat.
      if (sampled) own = std::max(own, mean / 2);
      own += ridge + (i + 1 < d ? penalties[i] : 0);
    }
    if (Cholesky(a, d)) {
      factor_[k] = std::move(a);
      return;
    }
    ridge *= 100;
  }
}

void Curvature::Solve(std::span<double> v) const {
  const std::size_t d = problem_.width() + 1;
  for (std::size_t k = 0; k < problem_.outputs(); ++k) {
    double* own = v.data() + k * d;
    const std::vector<double>& l = factor_[k];
    if (!dense_) {
      for (std::size_t i = 0; i < d; ++i) own[i] /= l[i];
      continue;
    }
    for (std::size_t i = 0; i < d; ++i) own[i] = (own[i] - Dot(&l[i * d], own, i)) / l[i * d + i];
    for (std::size_t i = d; i-- > 0;) {
      own[i] /= l[i * d + i];
      for (std::size_t j = 0; j < i; ++j) own[j] -= l[i * d + j] * own[i];
    }
  }
}

// Of every stride-th row, as CurvatureMatrices and MeanCurvatures take them.
std::vector<float> LinearProblem::SampleCurvatures(std::span<const double> theta,
                                                   std::size_t stride,
                                                   std::vector<std::size_t>* rows) const {
  std::vector<double> v;
  std::vector<double> c;
  Unscale(theta, v, c);
  std::vector<float> curvatures;
  std::vector<double> z(outputs());
  for (std::size_t i = 0; i < y_.size(); i += stride) {
    const auto weight =
        weight_.empty() ? std::span<const float>() : std::span(weight_).subspan(i, 1);
    Predict(x_ + i * width_, 1, v, c, z.data());
    loss_.Curvatures(std::span(y_).subspan(i, 1), weight, z.data());
    for (const double h : z) curvatures.push_back(float(h));
    rows->push_back(i);
  }
  return curvatures;
}

std::vector<double> LinearProblem::MeanCurvatures(std::span<const double> theta,
                                                  std::size_t most) const {
  std::vector<std::size_t> rows;
  const auto own = SampleCurvatures(theta, (y_.size() + most - 1) / most, &rows);
  std::vector<double> mean(outputs());
  for (std::size_t i = 0; i < own.size(); ++i) {
    mean[i % outputs()] += double(own[i]) / double(rows.size());
  }
  return mean;
}

std::vector<std::vector<double>> LinearProblem::CurvatureMatrices(std::span<const double> theta,
                                                                  std::size_t most) const {
  const std::size_t d = width_ + 1;
  std::vector<std::size_t> rows;
  const auto curvatures = SampleCurvatures(theta, (y_.size() + most - 1) / most, &rows);
  const std::size_t block = std::clamp<std::size_t>(kBlockFloatsOfCurvature / d, 16, 256) / 8 * 8;
  std::vector<float> h(block);
  std::vector<float> u(d * block);
  std::vector<float> weighted(d * block);
  std::vector<std::vector<double>> matrices(outputs(), std::vector<double>(d * d));
  for (std::size_t first = 0; first < rows.size(); first += block) {
    const std::size_t n = std::min(block, rows.size() - first);
    std::fill(u.begin(), u.end(), 0.F);  // what is beyond the last row counts for nothing
    for (std::size_t i = 0; i < n; ++i) {
      const float* row = x_ + rows[first + i] * width_;
      for (std::size_t j = 0; j < d; ++j) {
        u[j * block + i] = j < width_ ? float((double(row[j]) - mean_[j]) * inverse_[j]) : 1.F;
      }
    }
    for (std::size_t k = 0; k < outputs(); ++k) {
      std::fill(h.begin(), h.end(), 0.F);
      for (std::size_t i = 0; i < n; ++i) h[i] = curvatures[(first + i) * outputs() + k];
      for (std::size_t j = 0; j < d; ++j) {
        for (std::size_t i = 0; i < block; ++i) weighted[j * block + i] = h[i] * u[j * block + i];
      }
      BestLinearKernels().gram(weighted.data(), u.data(), d, block, matrices[k].data());
    }
  }
  for (auto& matrix : matrices) {
    for (double& own : matrix) own /= double(rows.size());
  }
  return matrices;
}

}  // namespace penstock::train
