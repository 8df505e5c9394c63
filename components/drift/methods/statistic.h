// The statistic that decides over a column, as a function of counts by bin: what the draws of its
// null distribution (drift/null) are reckoned by, and the observed value with the same bins.
//
//   ks           largest difference of the shares up to a bin (ordered bins), and of the shares of
//                bins without an order (nulls, NaN)
//   wasserstein  sum of |F - G| between the bins' positions, in standard deviations of the
//                reference; over ordered bins
//   psi, jensenShannon (a distance: the root of the divergence), lInfinity, cramersV: over all bins
//   presence     largest difference of shares of rows that have something (a word): the last bin
//                holds the rows, the others those of them that have it
//
// Pure; formulas beside each method's file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::drift {

enum class Statistic : std::uint8_t {
  kKs,
  kWasserstein,
  kPsi,
  kJensenShannon,
  kLInfinity,
  kCramersV,
  kPresence
};
[[nodiscard]] const char* Name(Statistic statistic);
[[nodiscard]] std::optional<Statistic> ParseStatistic(std::string_view name);

// Below such an effect a difference is of no matter, however sure it is.
[[nodiscard]] double DefaultFloor(Statistic statistic);

struct BinShape {
  std::size_t ordered = 0;        // the first so many bins have an order
  std::vector<double> positions;  // of ordered bins, ascending
  double scale = 1;               // what wasserstein is divided by
};

struct Observed {
  double value = 0;
  std::size_t at = 0;  // the bin that adds most, or up to which the difference is largest
};

// `reference` and `current`: counts by bin, of some rows each. Where presence's last bin, or the
// ordered bins of wasserstein, hold none, the value is 0.
[[nodiscard]] Observed Evaluate(Statistic statistic, const BinShape& shape,
                                std::span<const std::int64_t> reference,
                                std::span<const std::int64_t> current);

// The value alone, which may take less: of the draws nobody asks where.
[[nodiscard]] double ValueOf(Statistic statistic, const BinShape& shape,
                             std::span<const std::int64_t> reference,
                             std::span<const std::int64_t> current);

// A bound of the probability that a random division of n + m rows reaches `value`, by Hoeffding
// ("Probability inequalities for sums of bounded random variables", 1963, section 6: it holds for
// draws without replacement) for each of the sets of bins that the statistic looks at; 1 for the
// statistics that have no such bound.
[[nodiscard]] double TailBound(Statistic statistic, std::size_t bins, double value, double n,
                               double m);

}  // namespace penstock::drift
