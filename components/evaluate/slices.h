// Which rows are together: slices by a column's value, by the values of several columns, and the
// search for the slices on which the model is worst. Pure but for the loaders.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "components/evaluate/scoring.h"
#include "components/sdk/matrix.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::evaluate {

// Each of `by` names one column or several that are crossed. Of the scored rows. Invalid for a
// column that is not there or named twice in a cross.
[[nodiscard]] Result<std::vector<sdk::SliceColumn>> LoadSlicesOf(
    const std::string& dataset, const std::vector<std::vector<std::string>>& by,
    const Scored& scored);

// The values of a column that the search combines: each of at most 20 values, the most frequent; of
// a number with more than 12, four ranges of about as many rows each. Null is a value. Of texts the
// first 50,000 that differ are counted: a text that is not among them is hardly frequent.
struct SearchColumn {
  std::string name;
  std::vector<Json> values;          // a value, or {"from", "below"} of a range ("to" of the last)
  std::vector<std::uint16_t> codes;  // of each row read; kNoValue: of none of these
};
inline constexpr std::uint16_t kNoValue = 0xFFFF;
// Of the scored rows at these places, which rise; of all where there are none.
[[nodiscard]] Result<std::vector<SearchColumn>> LoadSearchColumns(
    const std::string& dataset, const std::vector<std::string>& columns, const Scored& scored,
    std::span<const std::uint32_t> places = {});

// What a row costs the model: -log of its class's probability, or its squared error.
[[nodiscard]] std::vector<double> RowLosses(const Scored& scored);

struct SearchOptions {
  std::size_t depth = 2;      // columns that are combined, 1 to 3
  std::size_t min_rows = 50;  // of a slice, and of what is not in it
  std::size_t beam = 40;      // slices of a depth that are combined further
  std::size_t most = 10;      // found
  double significance = 0.05;
};
struct FoundSlice {
  struct Where {
    std::size_t column = 0;  // of the search columns
    std::size_t value = 0;
    auto operator<=>(const Where&) const = default;
  };
  std::vector<Where> where;         // by column
  std::vector<std::uint32_t> rows;  // of the scored ones
  double loss = 0;                  // mean in the slice
  double elsewhere = 0;             // mean of the other rows
  double t = 0;                     // Welch's, of the difference
  double p_value = 1;               // one-sided, times the number of slices looked at, at most 1
};
struct Search {
  std::vector<FoundSlice> found;  // by falling t; none that is a part of one before it
  std::size_t looked_at = 0;      // slices with rows enough
};
// The slices whose mean loss is above that of the other rows beyond chance: a beam search (Chung et
// al., Slice Finder, ICDE 2019), Welch's t by Student's distribution, Bonferroni's correction for
// all slices that were looked at. Weights of rows play no part.
[[nodiscard]] Search WorstSlices(std::span<const SearchColumn> columns,
                                 std::span<const double> losses, const SearchOptions& options);

}  // namespace penstock::evaluate
