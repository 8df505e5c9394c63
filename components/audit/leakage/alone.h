// What one column alone says of the label. For leakage.cc; pure.
#pragma once

#include <optional>
#include <string>

#include "components/audit/leakage/leakage.h"

namespace penstock::audit {

// The worst finding of a column, if any: an error where it is a function of the label beyond chance
// or tells it almost whole, a warning where it merely tells it very well, with the interval.
[[nodiscard]] std::optional<Finding> FindingOfColumn(const TableColumn& column,
                                                     const Target& target,
                                                     const std::optional<Strength>& strength,
                                                     std::size_t columns,
                                                     const LeakageOptions& options);

// "AUC 0.991 (0.985 to 0.996)".
[[nodiscard]] std::string StrengthText(const Strength& strength);
[[nodiscard]] Json ToJson(const Strength& strength);

}  // namespace penstock::audit
