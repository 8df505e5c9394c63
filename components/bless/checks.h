// The checks of a blessing, each on its own. Pure.
#pragma once

#include <optional>
#include <string>

#include "components/bless/comparison.h"
#include "components/bless/verdict.h"

namespace penstock::bless {

// Where a constant answer stands in for a baseline, so that luck publishes nothing.
inline constexpr double kBeyondDoubt = 0.9999;

// Of six digits.
[[nodiscard]] std::string ShownNumber(double value);
[[nodiscard]] std::string NotDefined(const std::string& metric, const sdk::Metric& m);

// Invalid for a metric that is not there.
[[nodiscard]] Result<Check> JudgeThreshold(const Threshold& threshold, const sdk::Metrics& metrics);

// With the best answer that does not look at the row, by the task's own metric: the majority class,
// the share of each, the mean. Comparison::why_none where nothing can be compared.
[[nodiscard]] Comparison AgainstDummy(const evaluate::Scored& scored, double confidence);
[[nodiscard]] Check JudgeDummy(const Comparison& comparison, const std::string& metric);

// `too_few`: without a bound there are too few rows for one.
[[nodiscard]] Check JudgeComparison(const Comparison& comparison, const std::string& metric,
                                    bool too_few, const BlessOptions& options);
[[nodiscard]] Check NotCompared(const std::string& why, const BlessOptions& options);

// The bound of the metric, for the report.
[[nodiscard]] std::optional<double> RequiredOf(const std::string& metric,
                                               const BlessOptions& options);
// Invalid for one that is not there or has no direction.
[[nodiscard]] Result<sdk::Metric> MetricToCompareBy(const std::string& name,
                                                    const sdk::Metrics& metrics);
// Blessed where all checks hold; else the reason is of the first that does not.
void Conclude(Verdict* verdict);

}  // namespace penstock::bless
