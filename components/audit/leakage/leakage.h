// The checks of features: which of them know what they should not. Findings of the names
// singleFeature, functionOfLabel, fewFeatures, groupMean, future, availability and ids.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/facts/target.h"
#include "components/audit/leakage/strength.h"
#include "operator/base/result.h"

namespace penstock::audit {

struct LeakageOptions {
  double confidence = 0.95;
  double suspicious_auc = 0.98;  // a lower bound above it is a warning
  double suspicious_r2 = 0.95;
  double leak = 0.999;  // a lower bound above it is an error, of either measure
  // log10 of the chance below which what cannot be chance is said, over all columns.
  double log10_chance = -9;
  std::string time;    // a column, or empty
  std::string group;   // a column, or empty
  std::string moment;  // at which the model answers: a column of times, or empty
  std::map<std::string, std::string> available_at;
};

// Of a column alone, for the report.
struct ColumnStrength {
  std::string column;
  Strength strength;
};

// `parts`: datasets, the one that is learnt from first; `table` is of it. Columns with the role
// ignored are not looked at, weights and protected columns as features are. Gives the strengths of
// the features, the strongest first.
[[nodiscard]] Result<std::vector<ColumnStrength>> CheckLeakage(
    const std::vector<std::string>& parts, const Table& table, const Target& target,
    const LeakageOptions& options, Findings* findings);

}  // namespace penstock::audit
