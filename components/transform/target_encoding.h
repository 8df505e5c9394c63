// Target encoding: a category becomes the smoothed mean of the label over its rows; with more than
// two classes a share of each class. A row of training must not see its own label, so the matrix of
// training gets means of the other parts' rows (cross-fitting, as scikit-learn's TargetEncoder).
// Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/model_format/transform.h"
#include "components/sdk/cells.h"
#include "components/sdk/matrix.h"
#include "components/transform/refit.h"

namespace penstock::transform {

// The place of each row's value among categories; nulls and others get categories.size().
[[nodiscard]] std::vector<std::int64_t> PlacesOfRows(const std::vector<sdk::Category>& categories,
                                                     const sdk::TypedColumn& column,
                                                     std::span<const std::uint32_t> rows);

// Finds the means of step.categories (numbers) and what scales them (values).
void FitTargetMeans(sdk::TransformStep& step, const sdk::TypedColumn& column,
                    std::span<const std::uint32_t> rows, const LabelValues& label);

// Overwrites the step's features (from `first` on) in the matrix of `rows` with means that leave
// out the row's own part of five; `seed` chooses the parts. Rows of one `group` (of all rows of the
// table; empty: none) are of one part, as the label of its others would tell a row its own. A part
// without others gets the mean of all rows.
void CrossFit(const sdk::TransformStep& step, std::size_t first, const sdk::TypedColumn& column,
              std::span<const std::uint32_t> rows, const LabelValues& label,
              std::span<const std::uint32_t> group, std::uint64_t seed, sdk::FloatMatrix& x);

}  // namespace penstock::transform
