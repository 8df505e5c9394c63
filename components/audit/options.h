// The parameters of audit.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/leakage/leakage.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::audit {

enum class FailOn : std::uint8_t { kNever, kErrors, kWarnings };

struct Options {
  std::string label;  // empty: the column with that role, if any
  std::string task = "auto";
  std::string positive;    // of predictions of two classes
  LeakageOptions leakage;  // confidence, thresholds, time, group, moment, availableAt
  std::vector<std::string> protected_columns;  // besides those with that role
  double most_gap = 0.1;                       // between groups' labels
  double proxy = 0.9;
  std::vector<std::string> labellers;
  double least_agreement = 0.667;
  double most_issues = 0.05;    // share of the labels
  std::string metric = "auto";  // of sufficiency
  double expected = 0.8;        // its value, where nothing was measured
  std::optional<double> difference;
  std::int64_t most_rows = 100'000;
  std::uint64_t seed = 0;
  FailOn fail_on = FailOn::kNever;
  std::map<std::string, Severity> severities;
};

// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

}  // namespace penstock::audit
