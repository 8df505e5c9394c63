// The curvature of a linear problem near a point, to precondition its search: by Cholesky a matrix
// an output where that is cheap (then a search is nearly Newton's, and a squared loss is solved by
// its first step, in closed form), else the diagonal.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "components/train/linear/problem.h"

namespace penstock::train {

class Curvature {
 public:
  explicit Curvature(const LinearProblem& problem);

  // For the problem's present penalty. A squared loss's matrix is summed once.
  void Renew(std::span<const double> theta);
  // v := (curvature)^-1 v
  void Solve(std::span<double> v) const;
  // Multiply-adds of one Renew, for `Learner::Cost`.
  [[nodiscard]] static double Cost(std::size_t rows, std::size_t width, std::size_t outputs);

 private:
  void Factor(std::size_t k);

  const LinearProblem& problem_;
  bool dense_ = false;
  std::vector<std::vector<double>> matrix_;  // by output; once it is known, of a squared loss
  std::vector<std::vector<double>> factor_;  // by output: the lower triangle [d, d], or [d] if not
                                             // dense
};

}  // namespace penstock::train
