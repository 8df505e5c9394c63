// The bound that a router keeps by itself while the operator is silent: whether a candidate's
// errors are beyond its bound, judged after every look without the looks adding up to a wrong
// verdict. Pure.
//
// The test is a mixture of likelihood ratios against "the rate is at most the bound" (Wald's
// sequential test; a supermartingale under that hypothesis, so that by Ville's inequality it
// exceeds 1/a with probability at most a, however often one looks).
#pragma once

#include <cstdint>
#include <string>

#include "components/router/observe/statistics.h"

namespace penstock::router {

// Probability of taking weight from a version whose rate is within the bound.
inline constexpr double kFalseEjection = 0.001;

// log of the evidence that the error rate is above `bound`, from `errors` of `requests`.
[[nodiscard]] double LogEvidenceAbove(std::int64_t errors, std::int64_t requests, double bound);

// Server errors, time-outs, and refusals (4xx) of a kind that the others hardly give, of what came
// since `before` in each.
struct ErrorCount {
  std::int64_t errors = 0;
  std::int64_t requests = 0;
};
[[nodiscard]] ErrorCount CountErrors(const VersionTotals& now, const VersionTotals& before,
                                     const VersionTotals& others_now);

// Empty: within the bound as far as is known; else why not, for observations.
[[nodiscard]] std::string WhyBeyond(const ErrorCount& count, double bound);

}  // namespace penstock::router
