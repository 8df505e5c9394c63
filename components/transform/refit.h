// A recipe fitted on rows of a table. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "components/model_format/transform.h"
#include "components/transform/column_table.h"
#include "operator/base/result.h"

namespace penstock::transform {

// The label of each row of a table: the index of a class, or a value (classes 0). Borrowed.
struct LabelValues {
  std::span<const double> y;
  std::size_t classes = 0;
};

// A view that the recipe has.
[[nodiscard]] sdk::View AnyView(const sdk::TransformSpec& recipe);

// The recipe with constants from `rows` of the table, whose columns are the recipe's inputs; they
// depend on the multiset of rows only. With a view only its steps. `label`: for kTargetEncode.
// `first`: as FitStep has it. Invalid names the column.
[[nodiscard]] Result<sdk::TransformSpec> Refit(const sdk::TransformSpec& recipe,
                                               const ColumnTable& table,
                                               std::span<const std::uint32_t> rows,
                                               std::optional<sdk::View> view,
                                               const LabelValues* label, bool first);

}  // namespace penstock::transform
