#include "components/drift/null/false_discovery.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace penstock::drift {

std::vector<double> AdjustedP(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size(), 1);
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    least = std::min(least, p[order[rank - 1]] * double(p.size()) / double(rank));
    adjusted[order[rank - 1]] = least;
  }
  return adjusted;
}

}  // namespace penstock::drift
