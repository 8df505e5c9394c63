// Draws without replacement. How many of `draws` rows, taken at random from `total`, are among the
// `good` ones:
//
//   P(X = x) = C(good, x) C(total - good, draws - x) / C(total, draws)
//
// Small means by inversion from 0; others by the ratio of uniforms (Stadlober, "The ratio of
// uniforms approach for generating discrete random variates", 1990). Exact in distribution but for
// the rounding of the logarithms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "components/drift/null/random.h"

namespace penstock::drift {

// log(n!) for n up to `most`: a table of at most 8 MiB, beyond it Stirling's series. Immutable,
// shared by threads.
class LogFactorials {
 public:
  explicit LogFactorials(std::size_t most);
  [[nodiscard]] double operator[](std::int64_t n) const {
    return std::size_t(n) < values_.size() ? values_[std::size_t(n)] : Series(double(n));
  }

 private:
  [[nodiscard]] static double Series(double n);
  std::vector<double> values_;
};

// 0 <= good, draws <= total, at most what logs was made for.
[[nodiscard]] std::int64_t DrawHypergeometric(std::int64_t good, std::int64_t total,
                                              std::int64_t draws, const LogFactorials& logs,
                                              Random& random);

// Multivariate: `draws` of the rows that lie in bins as `pooled` says; `drawn` gets how many of
// each bin.
void DrawBins(std::span<const std::int64_t> pooled, std::int64_t total, std::int64_t draws,
              const LogFactorials& logs, Random& random, std::span<std::int64_t> drawn);

}  // namespace penstock::drift
