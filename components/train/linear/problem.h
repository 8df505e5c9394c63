// A penalised linear model's objective on rows, in units in which it is well-conditioned:
//
//   min  mean of weight * loss(y', z)  +  penalty / 2 * |w|^2,   z = x w + b,  b not penalised
//
//   y'      (label - mean) / sd for squared, absolute, huber and quantile; label / mean for
//   poisson;
//           the class for log. So a penalty means the same whatever the label's unit is.
//   theta   outputs x (features + 1): the coefficients of (x - mean) / sd, then the intercept. The
//           penalty stays that of w: only the unknowns are scaled, so the minimum is the same.
//
// A constant column's coefficient is 0. Bends (Feature::bend) have a penalty of their own. Rows of
// weight 0 count for nothing. The rows are not copied and must outlive the problem. Not
// thread-safe.
#pragma once

#include <span>
#include <vector>

#include "components/train/learner.h"
#include "components/train/linear/row_loss.h"

namespace penstock::train {

// In the units of the matrix and of z of `loss`.
struct LinearModel {
  RowLoss loss;
  std::size_t width = 0;
  std::vector<double> weights;     // outputs x width
  std::vector<double> intercepts;  // outputs
  double scale = 1;                // answer = scale * loss.Answer(z) + offset
  double offset = 0;

  // rows x outputs
  [[nodiscard]] std::vector<double> Answers(const float* x, std::size_t rows) const;
};

class LinearProblem {
 public:
  // `bends`: the penalty of bends, by that of all else. Invalid names a feature
  // that holds ids or is not finite, a label that the loss does not take.
  [[nodiscard]] static Result<LinearProblem> Make(const Rows& rows, const Context& context,
                                                  double bends = 1);

  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::size_t outputs() const { return loss_.outputs; }
  [[nodiscard]] std::size_t rows() const { return y_.size(); }
  [[nodiscard]] const RowLoss& loss() const { return loss_; }
  [[nodiscard]] double penalty() const { return penalty_; }
  void set_penalty(double penalty) { penalty_ = penalty; }
  void set_smoothing(double h) { loss_.smoothing = h; }

  // The best model of no features: where each search starts.
  [[nodiscard]] std::vector<double> Start() const;
  // The objective, and its gradient.
  [[nodiscard]] double Evaluate(std::span<const double> theta, std::span<double> gradient) const;
  // Penalty of each coefficient's square in theta's units: penalty / sd^2. [width]
  [[nodiscard]] std::vector<double> ScaledPenalty() const;
  // The weighted mean of curvature * u u^T over at most `most` rows evenly taken, u = ((x - mean) /
  // sd, 1): the lower triangle of [width + 1, width + 1] for each output, or with `pairs` for each
  // pair of outputs (RowLoss::Curvatures' order).
  [[nodiscard]] std::vector<std::vector<double>> CurvatureMatrices(std::span<const double> theta,
                                                                   std::size_t most,
                                                                   bool pairs) const;
  // The mean curvature of each output over such rows.
  [[nodiscard]] std::vector<double> MeanCurvatures(std::span<const double> theta,
                                                   std::size_t most) const;
  // Intercepts of softmax, which are known but for a shift, are moved to a mean of 0.
  [[nodiscard]] LinearModel Model(std::span<const double> theta) const;

 private:
  LinearProblem() = default;
  Result<void> Standardise(const Context& context, double bends);
  Result<void> PrepareLabels(const Context& context, std::span<const double> y);
  std::size_t BlockRows() const;
  // Weights by the matrix's units, and what is added to their products.
  void Unscale(std::span<const double> theta, std::vector<double>& v, std::vector<double>& c) const;
  void Predict(const float* x, std::size_t rows, const std::vector<double>& v,
               const std::vector<double>& c, double* z) const;
  std::vector<float> SampleCurvatures(std::span<const double> theta, std::size_t stride, bool pairs,
                                      std::vector<std::size_t>* rows) const;

  const float* x_ = nullptr;
  std::size_t width_ = 0;
  std::vector<double> y_;        // y'
  std::vector<float> weight_;    // relative to their mean; empty: 1 each
  std::vector<double> mean_;     // of the columns
  std::vector<double> inverse_;  // 1 / sd; 0 for a constant column
  double scale_ = 1;             // label = scale_ * y' + offset_
  double offset_ = 0;
  RowLoss loss_;
  double penalty_ = 0;
  std::vector<double> stiffness_;  // of the columns: what the penalty is multiplied by
};

}  // namespace penstock::train
