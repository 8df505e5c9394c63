// How columns go with the label, over sampled rows. Pure.
//
//   AUC                 P(x of a row of the greater label > x of one of the lesser) + half of P(=)
//                       (Mann, Whitney: 1947)
//   mutual information  sum p(a,b) ln(p(a,b) / p(a) p(b)) of bins and values, as seen: its bias of
//                       about (bins - 1)(values - 1) / 2n is not taken away
//   eta squared         variance between groups / variance (Pearson: 1905)
#pragma once

#include <vector>

#include "components/statistics/summary/block_values.h"
#include "components/statistics/summary/row_sample.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

// `label`: its place in `shapes`; `top`: its values as listed. All other columns, in their order.
[[nodiscard]] std::vector<Association> AssociationsOf(const std::vector<ColumnShape>& shapes,
                                                      std::size_t label,
                                                      const std::vector<ValueCount>& top,
                                                      const std::vector<RowSample::Row>& rows);

}  // namespace penstock::statistics
