// The checks of labels over what a step was given. For audit.cc.
#pragma once

#include "components/audit/audit.h"
#include "components/audit/facts/target.h"

namespace penstock::audit {

// Findings labelIssues, labellers and ceiling; `target` may be null. Invalid for labellers that are
// no columns, predictions without a label.
[[nodiscard]] Result<void> AuditLabels(const Given& given, const Table& table, const Target* target,
                                       const Options& options, Audited* audited);

}  // namespace penstock::audit
