// Is a part large enough to show the difference that is wanted, and do validation and test agree?
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "components/audit/facts/finding.h"
#include "components/audit/facts/target.h"

namespace penstock::audit {

// What a part says of a metric, measured or foreseen.
struct Precision {
  std::string metric;
  double value = 0;
  double half_width = 0;  // of the two-sided interval; of rmse relative to its value
  std::int64_t rows = 0;
  bool measured = false;  // by evaluate's interval
};

// The interval that so many rows give at an expected value:
//   auc        Hanley and McNeil's variance (Radiology 143, 1982)
//   accuracy   Wilson's interval (J. Am. Stat. Assoc. 22, 1927)
//   rmse       of normal errors: z / sqrt(2 n), relative
// `positives` of the `rows`: of auc. Nothing for another metric, or auc without both classes.
[[nodiscard]] std::optional<Precision> Foreseen(const std::string& metric, double expected,
                                                std::int64_t rows, std::int64_t positives,
                                                double confidence);
// Of evaluate's metrics artifact: the metric named, else auc, accuracy or rmse, the first that is
// there with an interval. Nothing where none has.
[[nodiscard]] std::optional<Precision> Measured(const Json& report, const std::string& metric);

// Finding sufficiency: an error where the half width is above what is wanted; it names the rows
// that would do. Without a wanted difference nothing is found.
void SaySufficiency(const std::string& part, const Precision& precision,
                    std::optional<double> wanted, Findings* findings);

// Finding partsDisagree of one metric measured on both: a warning where the difference is beyond
// chance at 1 in 1000 (two-sided).
void SayMetricsDisagree(const Precision& valid, const Precision& test, double confidence,
                        Findings* findings);

[[nodiscard]] Json ToJson(const Precision& precision);

}  // namespace penstock::audit
