#include "components/train/linear/curvature.h"

#include <algorithm>
#include <cmath>

#include "components/train/linear/kernels.h"

namespace penstock::train {
namespace {

// Cubed dimensions of what is factored. All outputs together cost by each pair of them, too.
constexpr double kMostCholesky = 2e8;
constexpr double kMostJoint = 3e7;
constexpr std::size_t kLeastSample = 8192;
constexpr std::size_t kBlockFloatsOfCurvature = 65536;  // two blocks lie in the second cache

// A tenth of the rows tells a curvature well enough for all but a squared loss, which is then
// solved at once.
std::size_t SampleRows(std::size_t width, std::size_t rows, bool squared) {
  return squared ? rows : std::max(kLeastSample, 8 * width);
}

double RowDot(const double* a, const double* b, std::size_t n) {
  return BestLinearKernels().dot(a, b, n);
}

// The lower triangle a [d, d] := its Cholesky factor; false where it is not positive definite.
bool Cholesky(std::vector<double>& a, std::size_t d) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = a[i * d + j] - RowDot(&a[i * d], &a[j * d], j);
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

Curvature::Kind Curvature::KindOf(std::size_t width, std::size_t outputs) {
  const auto d = double(width + 1);
  const auto k = double(outputs);
  if (outputs == 1 || k * k * k * d * d * d <= kMostJoint) {
    return k * k * k * d * d * d <= kMostCholesky ? Kind::kJoint : Kind::kDiagonal;
  }
  return k * d * d * d <= kMostCholesky ? Kind::kByOutput : Kind::kDiagonal;
}

Curvature::Curvature(const LinearProblem& problem)
    : problem_(problem), kind_(KindOf(problem.width(), problem.outputs())) {}

double Curvature::Cost(std::size_t rows, std::size_t width, std::size_t outputs) {
  const Kind kind = KindOf(width, outputs);
  if (kind == Kind::kDiagonal) return 0;
  const auto d = double(width + 1);
  const auto k = double(outputs);
  const auto sample = double(std::min(rows, SampleRows(width, rows, false)));
  return kind == Kind::kJoint ? k * (k + 1) / 2 * sample * d * d / 2 + k * k * k * d * d * d / 6
                              : k * (sample * d * d / 2 + d * d * d / 6);
}

void Curvature::Renew(std::span<const double> theta) {
  const bool squared = problem_.loss().loss == Loss::kSquared;
  const std::size_t most = SampleRows(problem_.width(), problem_.rows(), squared);
  factor_.clear();
  if (kind_ == Kind::kDiagonal) {
    for (const double mean : problem_.MeanCurvatures(theta, most)) {
      std::vector<double>& own = factor_.emplace_back(problem_.ScaledPenalty());
      own.push_back(0);
      for (double& entry : own) entry += std::max(mean, 1e-8);
    }
    return;
  }
  if (!squared || matrix_.empty()) {
    matrix_ = problem_.CurvatureMatrices(theta, most, kind_ == Kind::kJoint);
  }
  if (kind_ == Kind::kJoint) {
    factor_.push_back(Factor(Joined()));
  } else {
    for (const auto& matrix : matrix_) factor_.push_back(Factor(matrix));
  }
}

std::vector<double> Curvature::Joined() const {
  const std::size_t d = problem_.width() + 1;
  const std::size_t all = problem_.outputs() * d;
  if (problem_.outputs() == 1) return matrix_.front();
  std::vector<double> joined(all * all);
  std::size_t pair = 0;
  for (std::size_t k = 0; k < problem_.outputs(); ++k) {
    for (std::size_t l = 0; l <= k; ++l) {
      const std::vector<double>& own = matrix_[pair++];
      for (std::size_t i = 0; i < d; ++i) {
        for (std::size_t j = 0; j < d; ++j) {
          joined[(k * d + i) * all + l * d + j] = own[std::max(i, j) * d + std::min(i, j)];
        }
      }
    }
  }
  return joined;
}

std::vector<double> Curvature::Factor(const std::vector<double>& matrix) const {
  const std::size_t d = problem_.width() + 1;
  const auto all = std::size_t(std::lround(std::sqrt(double(matrix.size()))));
  const std::vector<double> penalties = problem_.ScaledPenalty();
  const bool sampled = problem_.loss().loss != Loss::kSquared &&
                       problem_.rows() > SampleRows(problem_.width(), problem_.rows(), false);
  double ridge = 1e-10;
  while (true) {
    std::vector<double> a = matrix;
    for (std::size_t i = 0; i < all; ++i) {
      double& own = a[i * all + i];
      // The mean of the curvature is the intercept's entry.
      const std::size_t intercept = i - i % d + d - 1;
      const double mean = std::max(matrix[intercept * all + intercept], 1e-8);
      // All columns have variance 1 over all rows; one that the sample missed must not seem flat.
      if (sampled) own = std::max(own, mean / 2);
      own += ridge * mean + (i != intercept ? penalties[i % d] : 0);
    }
    if (Cholesky(a, all)) return a;
    ridge *= 100;
  }
}

void Curvature::Solve(std::span<double> v) const {
  const std::size_t d = v.size() / factor_.size();
  for (std::size_t k = 0; k < factor_.size(); ++k) {
    double* own = v.data() + k * d;
    const std::vector<double>& l = factor_[k];
    if (kind_ == Kind::kDiagonal) {
      for (std::size_t i = 0; i < d; ++i) own[i] /= l[i];
      continue;
    }
    for (std::size_t i = 0; i < d; ++i)
      own[i] = (own[i] - RowDot(&l[i * d], own, i)) / l[i * d + i];
    for (std::size_t i = d; i-- > 0;) {
      own[i] /= l[i * d + i];
      for (std::size_t j = 0; j < i; ++j) own[j] -= l[i * d + j] * own[i];
    }
  }
}

// Of every stride-th row, as CurvatureMatrices and MeanCurvatures take them.
std::vector<float> LinearProblem::SampleCurvatures(std::span<const double> theta,
                                                   std::size_t stride, bool pairs,
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
    loss_.Curvatures(std::span(y_).subspan(i, 1), weight, pairs, z.data(), curvatures);
    rows->push_back(i);
  }
  return curvatures;
}

std::vector<double> LinearProblem::MeanCurvatures(std::span<const double> theta,
                                                  std::size_t most) const {
  std::vector<std::size_t> rows;
  const auto own = SampleCurvatures(theta, (y_.size() + most - 1) / most, false, &rows);
  std::vector<double> mean(outputs());
  for (std::size_t i = 0; i < own.size(); ++i) {
    mean[i % outputs()] += double(own[i]) / double(rows.size());
  }
  return mean;
}

std::vector<std::vector<double>> LinearProblem::CurvatureMatrices(std::span<const double> theta,
                                                                  std::size_t most,
                                                                  bool pairs) const {
  const std::size_t d = width_ + 1;
  std::vector<std::size_t> rows;
  const auto curvatures = SampleCurvatures(theta, (y_.size() + most - 1) / most, pairs, &rows);
  const std::size_t count = curvatures.size() / rows.size();
  const std::size_t block = std::clamp<std::size_t>(kBlockFloatsOfCurvature / d, 16, 256) / 8 * 8;
  std::vector<float> h(block);
  std::vector<float> u(d * block);
  std::vector<float> weighted(d * block);
  std::vector<std::vector<double>> matrices(count, std::vector<double>(d * d));
  for (std::size_t first = 0; first < rows.size(); first += block) {
    const std::size_t n = std::min(block, rows.size() - first);
    std::fill(u.begin(), u.end(), 0.F);  // what is beyond the last row counts for nothing
    for (std::size_t i = 0; i < n; ++i) {
      const float* row = x_ + rows[first + i] * width_;
      for (std::size_t j = 0; j < d; ++j) {
        u[j * block + i] = j < width_ ? float((double(row[j]) - mean_[j]) * inverse_[j]) : 1.F;
      }
    }
    for (std::size_t k = 0; k < count; ++k) {
      std::fill(h.begin(), h.end(), 0.F);
      for (std::size_t i = 0; i < n; ++i) h[i] = curvatures[(first + i) * count + k];
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
