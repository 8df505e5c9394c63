#include "components/sdk/exact_sum.h"

namespace penstock::sdk {

double ExactSum::Round() const {
  if (partials_.empty()) return 0;
  std::size_t n = partials_.size();
  double high = partials_[--n];
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials_[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  // The rest may sit exactly half-way: round half to even by looking one part further down.
  if (n > 0 && ((low < 0 && partials_[n - 1] < 0) || (low > 0 && partials_[n - 1] > 0))) {
    const double y = low * 2;
    const double x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

}  // namespace penstock::sdk
