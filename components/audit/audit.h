// All checks over what a step was given. Reads the datasets; writes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/labels/predictions.h"
#include "components/audit/options.h"
#include "components/audit/rows/duplicates.h"
#include "operator/base/result.h"

namespace penstock::audit {

struct Given {
  std::vector<Part> parts;  // train first, then valid and test where they are
  std::string predictions;  // of rows held out; empty: none
  Json valid_metrics;       // evaluate's artifacts; null: none
  Json test_metrics;
};

struct Audited {
  Findings findings;
  Json report;  // what was measured, beyond findings
  Predictions predictions;
  std::vector<LabelIssue> issues;
};

// Invalid for parameters that do not fit the data, and data that cannot be read.
[[nodiscard]] Result<Audited> Audit(const Given& given, const Options& options);

}  // namespace penstock::audit
