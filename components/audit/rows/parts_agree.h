// Do two parts look like draws of one population? Column by column, the label first. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/facts/table.h"

namespace penstock::audit {

struct Disagreement {
  std::string column;
  std::string statistic;  // "KS" (numbers) or "total variation" (texts, booleans)
  double effect = 0;      // of 1
  double p_value = 1;     // adjusted for the columns by Holm's method
};
// Columns of both of which the distributions differ: p below 0.01 by Kolmogorov and Smirnov's
// statistic (its asymptotic distribution) or chi-squared over the 50 most frequent values, the rest
// and null (Wilson and Hilferty's approximation), and an effect of 0.1 or more. Nulls of numbers
// count as the lowest value. The largest effect first.
[[nodiscard]] std::vector<Disagreement> DisagreementsOf(const Table& a, const Table& b);

void SayDisagreements(const std::vector<Disagreement>& found, const std::string& label,
                      Findings* findings);

// The share of Kolmogorov's distribution above x = D sqrt(ab / (a + b)).
[[nodiscard]] double KolmogorovTail(double x);
// Of chi-squared with `freedom` degrees above x, by Wilson and Hilferty (PNAS 17, 1931).
[[nodiscard]] double ChiSquaredTail(double x, double freedom);

}  // namespace penstock::audit
