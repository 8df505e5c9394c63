// The kinds of rules that look at batches, for rule.cc. Columns are in the schema.
#pragma once

#include <memory>

#include "components/validate/rules/rule.h"

namespace penstock::validate {

// matches, range, notNull, allowed.
[[nodiscard]] Result<std::unique_ptr<RowRule>> MakeValueRule(const Rule& rule,
                                                             const arrow::Schema& canonical,
                                                             const RuleContext& context);
// order, increasing, fresh.
[[nodiscard]] Result<std::unique_ptr<RowRule>> MakeOrderRule(const Rule& rule,
                                                             const arrow::Schema& canonical,
                                                             const RuleContext& context);
// unique: 24 bytes a row in files of the scratch folder, one of which is in memory at a time (32
// MiB of records, if hashes are spread as they should be). Keys are equal by a hash of 128 bits.
[[nodiscard]] Result<std::unique_ptr<RowRule>> MakeUniqueRule(const Rule& rule,
                                                              const RuleContext& context);

}  // namespace penstock::validate
