// The constants of one step of a recipe, from what is known of its column. Pure.
//
// StepRecipe says how, where the operation needs more than the column:
//   impute      of numbers median, mean, mostFrequent or value (`fill` stays); of categories
//               mostFrequent, unseen or value (fill_text); empty: nothing is to be found
//   low, high   clip to these quantiles (not where they are one value)
//   parts       knots of kBends, points of kQuantile, buckets of kBuckets; kWordVectors: vectors.h
//   top         most categories of kOneHot, kVocabulary, kCross, kTargetEncode, terms of kTfidf,
//               parts of kMultiHot, tokens of kTokens; 0: all; kWordVectors: vectors.h
//   min_count   rows that a category, a term or a pair must have
//   smoothing   kTargetEncode (Micci-Barreca, SIGKDD Explorations 3(1), 2001): the mean of a
//   category
//               of n rows is (sum + smoothing * overall mean) / (n + smoothing)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/model_format/transform.h"
#include "components/transform/column_summary.h"
#include "operator/base/result.h"

namespace penstock::transform {

inline constexpr std::size_t kMaxOneHot = 1000;

// Everything but kTargetEncode's means, kCross's pairs and kWordVectors' moments. `first`: the
// column is fitted for the first time, so that what it cannot be is Invalid; later, on fewer rows,
// it is fitted as far as they go.
[[nodiscard]] Result<void> FitStep(sdk::TransformStep& step, const ColumnSummary& summary,
                                   bool first);
// Of kCross: the categories of its second column.
void FitOtherCategories(sdk::TransformStep& step, const ColumnSummary& other);

// The value at a share of sorted numbers, by linear interpolation (numpy's default).
[[nodiscard]] double QuantileOf(std::span<const double> sorted, double share);

}  // namespace penstock::transform
