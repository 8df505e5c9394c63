// L-BFGS (Nocedal and Wright, algorithm 7.5) whose first matrix is a given preconditioner, with a
// line search for the weak Wolfe conditions by brackets. Near the end, where values differ by less
// than they are rounded, the slope alone decides (Hager and Zhang 2005, the approximate Wolfe
// conditions). The preconditioner is scaled by the last pair (their equation 7.20). Pure but for
// its callbacks; deterministic.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "operator/base/result.h"

namespace penstock::train {

struct Objective {
  // The value at `x`; writes the gradient. May be infinite or NaN: then the step is shortened.
  std::function<double(std::span<const double> x, std::span<double> gradient)> evaluate;
  // Makes the preconditioner for the neighbourhood of `x`; again each `renew_after` steps.
  std::function<void(std::span<const double> x)> renew;
  // v := M^-1 v, M positive definite.
  std::function<void(std::span<double> v)> solve;
  // After each step; an error ends the search. May be empty.
  std::function<Result<void>(int step, double value)> step;
};

struct Bounds {
  // It has converged where the gradient's largest entry is at most this, and the value is expected
  // to fall by no more than `decrease` (half of Newton's decrement, whatever the unknowns' scale).
  double gradient = 1e-6;
  double decrease = 1e-14;
  double rounding = 1e-13;  // of values, of 1 + |value|
  int steps = 1000;         // at most
  int renew_after = 20;
};

struct Minimum {
  double value = 0;
  double gradient = 0;  // the largest entry's size
  int steps = 0;
  int evaluations = 0;
  bool converged = false;
};

// From `x` down, in place. What did not converge says so in the answer, it is no error.
[[nodiscard]] Result<Minimum> Minimise(const Objective& objective, const Bounds& bounds,
                                       std::vector<double>& x);

}  // namespace penstock::train
