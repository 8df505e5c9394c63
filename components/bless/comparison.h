// Two sets of answers to the same rows, by one metric, with a one-sided bound. Pure.
#pragma once

#include <optional>
#include <string>

#include "components/evaluate/scoring.h"

namespace penstock::bless {

struct Comparison {
  double ours = 0;
  double theirs = 0;
  double difference = 0;  // above 0: ours are better
  // Of the difference: by DeLong for auc, by Student's t of the rows' paired losses for accuracy,
  // logLoss, brier, rmse and mae (rmse linearised). Nullopt for another metric, and where the rows
  // are too few: one row, one row of a class.
  std::optional<double> low;
  std::string why_none;      // there is no comparison at all; else empty
  std::string why_no_bound;  // for people, where `low` is not there
};

// Why no comparison can be made; empty where it can: another label, task or classes, or a metric
// that is not defined for either.
[[nodiscard]] std::string WhyIncomparable(const evaluate::Scored& ours,
                                          const evaluate::Scored& theirs,
                                          const std::string& metric);

// `confidence`: of the bound. Only of what is comparable.
[[nodiscard]] Comparison Compare(const evaluate::Scored& ours, const evaluate::Scored& theirs,
                                 const std::string& metric, double confidence);

}  // namespace penstock::bless
