// How well one column tells the label, on rows that did not say how. Pure; deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "components/audit/facts/target.h"

namespace penstock::audit {

struct Strength {
  std::string measure;  // "auc" (of several classes: the mean of each against the rest), or "r2"
  double value = 0;
  double low = 0;  // the interval
  double high = 0;
  std::int64_t rows = 0;
  std::string by;  // how the label was told: "order", "ranges" or "values", "line"
};

// The best of what a single column can say without a model:
//   order    two classes: the AUC of the numbers as they are, or turned round (DeLong's interval;
//            where the classes do not overlap Wilson's of the smaller class)
//   ranges   the label's mean (of each class) in 64 ranges of about as many rows, or of each value
//            of a text, learnt on one half of the rows and asked of the other (two-fold)
//   line     a regression: least squares on one half, asked of the other
// R2 has the interval of its linearisation. Null is a range or a value of its own; the order leaves
// nulls out. Nothing for a column of one value, and where a class has fewer than 10 rows.
[[nodiscard]] std::optional<Strength> StrengthOf(const TableColumn& column, const Target& target,
                                                 double confidence);

}  // namespace penstock::audit
