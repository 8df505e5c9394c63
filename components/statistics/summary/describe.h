// What was kept of a column, said in the words of the artifact. Pure.
#pragma once

#include "components/statistics/summary/block_values.h"
#include "components/statistics/summary/scalar_summary.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

// Nothing when there is no value.
[[nodiscard]] std::optional<Numbers> NumbersOf(const NumberSummary<std::int64_t>& summary);
[[nodiscard]] std::optional<Numbers> NumbersOf(const NumberSummary<double>& summary);

// Fills distinct, top, numbers, least and most.
void DescribeNumbers(const NumberSummary<std::int64_t>& summary, const ColumnShape& shape,
                     std::size_t top, Column& column);
void DescribeNumbers(const NumberSummary<double>& summary, const ColumnShape& shape,
                     std::size_t top, Column& column);
void DescribeTexts(const ScalarSummary<TextKey>& summary, const ColumnShape& shape, std::size_t top,
                   Column& column);

}  // namespace penstock::statistics
