// Least squares on a few columns, told by what they leave unexplained. Pure.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace penstock::audit {

// Symmetric positive definite, row-major, `n` x `n`: solves a x = b by Cholesky's factor. Nothing
// where a is singular to 1e-12 of its diagonal.
[[nodiscard]] std::optional<std::vector<double>> SolveSymmetric(std::vector<double> a,
                                                                std::vector<double> b,
                                                                std::size_t n);

struct Fit {
  std::vector<double> weights;  // of each column; 0 where it adds nothing to those before it
  double constant = 0;
  double unexplained = 1;  // squared residuals / squared deviations of y
};
// With a constant; by modified Gram-Schmidt, done twice, so that nearly equal columns do no harm.
// All of equal length, no NaN. Nothing where y is constant or there are fewer rows than columns
// + 2.
[[nodiscard]] std::optional<Fit> FitColumns(std::span<const std::vector<double>> columns,
                                            std::span<const double> y);

}  // namespace penstock::audit
