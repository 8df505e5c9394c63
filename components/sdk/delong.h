// The variance of AUCs on the same rows: DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), with
// mid-ranks as in Sun and Xu, IEEE Signal Processing Letters 21 (2014). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace penstock::sdk {

struct AucDifference {
  double auc_a = 0;
  double auc_b = 0;
  double standard_error = 0;  // of auc_a - auc_b
};

// Both scores rank the same rows; there must be two or more rows of either class.
[[nodiscard]] AucDifference CompareAucs(std::span<const float> a, std::span<const float> b,
                                        std::span<const std::uint8_t> positive);

// The standard error of one AUC.
[[nodiscard]] double AucStandardError(std::span<const float> scores,
                                      std::span<const std::uint8_t> positive);

// The quantile of the standard normal distribution, 0 < p < 1, to 1e-9.
[[nodiscard]] double NormalQuantile(double p);
// The same of Student's t with `freedom` degrees, 1 or more.
[[nodiscard]] double StudentQuantile(double p, std::size_t freedom);
// The share of Student's t with `freedom` degrees (1 or more) above a value; the normal's
// from 1000 degrees on.
[[nodiscard]] double StudentTail(double t, std::size_t freedom);

}  // namespace penstock::sdk
