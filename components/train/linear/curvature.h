// The curvature of a linear problem near a point, to precondition its search: by Cholesky where
// that is cheap, of all outputs together or else one by one (then a search is nearly Newton's, and
// a squared loss is solved by its first step, in closed form); else the diagonal.
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
  enum class Kind { kJoint, kByOutput, kDiagonal };
  [[nodiscard]] static Kind KindOf(std::size_t width, std::size_t outputs);
  // The matrix of all outputs, or of one.
  [[nodiscard]] std::vector<double> Joined() const;
  [[nodiscard]] std::vector<double> Factor(const std::vector<double>& matrix) const;

  const LinearProblem& problem_;
  Kind kind_;
  std::vector<std::vector<double>> matrix_;  // by output, or by pair of outputs
  std::vector<std::vector<double>> factor_;  // lower triangles, or diagonals
};

}  // namespace penstock::train
