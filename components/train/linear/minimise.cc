#include "components/train/linear/minimise.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "operator/base/try.h"

namespace penstock::train {
namespace {

using Vector = std::vector<double>;
constexpr std::size_t kMemory = 10;
constexpr int kMaxTrials = 40;
constexpr double kDecrease = 1e-4;
constexpr double kSlope = 0.9;

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double Largest(const Vector& v) {
  double most = 0;
  for (const double x : v) most = std::max(most, std::abs(x));
  return most;
}

void Add(Vector& to, double factor, const Vector& v) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * v[i];
}

struct Pair {
  Vector s, y;
  double rho = 0;
};

class Search {
 public:
  Search(const Objective& objective, const Bounds& bounds, Vector& x)
      : objective_(objective), bounds_(bounds), x_(x), gradient_(x.size()) {}

  Result<Minimum> Run() {
    objective_.renew(x_);
    Evaluate(x_, gradient_, &result_.value);
    while (true) {
      if (since_renewal_ >= bounds_.renew_after) Renew();
      result_.gradient = Largest(gradient_);
      const Vector direction = Direction();
      const double slope = Dot(direction, gradient_);
      result_.converged = result_.gradient <= bounds_.gradient && -slope / 2 <= bounds_.decrease;
      if (result_.converged || result_.steps >= bounds_.steps) return result_;
      if (!Step(direction, slope)) {
        // Perhaps a stale preconditioner; a fresh one that gives no better point is the end.
        if (since_renewal_ == 0) {
          result_.converged = result_.gradient <= bounds_.gradient;
          return result_;
        }
        Renew();
        continue;
      }
      ++result_.steps;
      ++since_renewal_;
      if (objective_.step) PENSTOCK_TRY(objective_.step(result_.steps, result_.value));
    }
  }

 private:
  void Evaluate(const Vector& at, Vector& gradient, double* value) {
    ++result_.evaluations;
    *value = objective_.evaluate(at, gradient);
  }

  void Renew() {
    objective_.renew(x_);
    pairs_.clear();
    scale_ = 1;
    since_renewal_ = 0;
  }

  // -H g by the two loops.
  Vector Direction() const {
    Vector q = gradient_;
    Vector alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = pairs_[i].rho * Dot(pairs_[i].s, q);
      Add(q, -alpha[i], pairs_[i].y);
    }
    objective_.solve(q);
    for (double& d : q) d *= scale_;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Add(q, alpha[i] - pairs_[i].rho * Dot(pairs_[i].y, q), pairs_[i].s);
    }
    for (double& d : q) d = -d;
    return q;
  }

  // One step along the direction; false where none is better.
  bool Step(const Vector& direction, double slope) {
    if (!(slope < 0)) return false;
    const double rounding = bounds_.rounding * (1 + std::abs(result_.value));
    double low = 0;
    double low_slope = slope;
    double high = std::numeric_limits<double>::infinity();
    double t = 1;
    Vector at(x_.size());
    Vector gradient(x_.size());
    for (int trial = 0; trial < kMaxTrials; ++trial) {
      at = x_;
      Add(at, t, direction);
      double value = 0;
      Evaluate(at, gradient, &value);
      const double own = Dot(direction, gradient);
      const bool finite = std::isfinite(value) && std::isfinite(own);
      const bool lower = finite && value <= result_.value + kDecrease * t * slope;
      const bool level =
          finite && value <= result_.value + rounding && own <= (2 * kDecrease - 1) * slope;
      if (!lower && !level) {
        // Where the slope says that the minimum of a parabola lies, kept off the bracket's ends.
        const double guess =
            finite && own > low_slope ? low - low_slope * (t - low) / (own - low_slope) : low;
        high = t;
        t = std::clamp(guess, low + 0.1 * (high - low), low + 0.5 * (high - low));
        continue;
      }
      if (own < kSlope * slope) {
        low = t;
        low_slope = own;
        t = std::isinf(high) ? 3 * t : (low + high) / 2;
        continue;
      }
      Accept(std::move(at), std::move(gradient), value);
      return true;
    }
    return false;
  }

  void Accept(Vector at, Vector gradient, double value) {
    Pair pair{at, gradient, 0};
    Add(pair.s, -1, x_);
    Add(pair.y, -1, gradient_);
    const double curvature = Dot(pair.s, pair.y);
    if (curvature > 1e-12 * std::sqrt(Dot(pair.s, pair.s) * Dot(pair.y, pair.y))) {
      pair.rho = 1 / curvature;
      Vector solved = pair.y;
      objective_.solve(solved);
      scale_ = curvature / Dot(pair.y, solved);
      pairs_.push_back(std::move(pair));
      if (pairs_.size() > kMemory) pairs_.pop_front();
    }
    x_ = std::move(at);
    gradient_ = std::move(gradient);
    result_.value = value;
  }

  const Objective& objective_;
  const Bounds& bounds_;
  Vector& x_;
  Vector gradient_;
  std::deque<Pair> pairs_;
  double scale_ = 1;  // of the preconditioner
  int since_renewal_ = 0;
  Minimum result_;
};

}  // namespace

Result<Minimum> Minimise(const Objective& objective, const Bounds& bounds, Vector& x) {
  return Search(objective, bounds, x).Run();
}

}  // namespace penstock::train
