// The bins over which a column's deciding statistic is reckoned: made of the values of both sides
// together, so that they are the same however the rows are divided, which is what the draws of the
// null distribution need. Pure.
//
//   number         equal shares of both sides' values (64; of psi and what needs no order, 10), or
//                  each value where there are fewer; then null, NaN, infinite, -infinite where seen
//   category       the 100 most frequent values and "(other values)"; null is a value. Where there
//                  are others, also how many rows have a value of one side only (one_sided.h)
//   clock          hours of the day; of dates, the days of the week
//   text           the 256 words that most rows have, and how many rows there are
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/drift/methods/one_sided.h"
#include "components/drift/methods/runs.h"
#include "components/drift/methods/statistic.h"
#include "components/drift/values.h"

namespace penstock::drift {

using Rows = std::vector<std::uint32_t>;  // places in a side's chosen rows

// The finite values of a column's rows, and how many are none of these.
struct Sorted {
  Runs values;
  sdk::Moments moments;  // of them, where there are any
  std::array<std::int64_t, kSpecialNames.size()> specials = {};
};
// `rows` null: all.
[[nodiscard]] Sorted SortNumbers(const Values& values, const Rows* rows);

struct Bins {
  BinShape shape;
  std::vector<std::string> names;
  std::array<std::vector<std::int64_t>, 2> counts;  // by side

  std::vector<double> edges;                                      // numbers: inner edges
  WholeNumbers wholes;                                            // numbers
  std::array<std::uint16_t, kSpecialNames.size()> specials = {};  // numbers: their bins
  std::vector<std::uint16_t> of_code;                             // others: each code's bin
  std::optional<OneSided> one_sided;                              // categories with kOtherValues
  [[nodiscard]] std::size_t size() const { return names.size(); }
  // Of a number, a category or a clock.
  [[nodiscard]] std::uint16_t Of(Kind kind, const Values& values, std::size_t row) const;
};

// The bin of categories beyond the most frequent, where there are any.
inline constexpr const char* kOtherValues = "(other values)";
// Bin of a word that has none.
inline constexpr std::uint16_t kNoBin = UINT16_MAX;

// `wholes`: what the numbers stand for.
[[nodiscard]] Bins NumberBins(const Sorted& reference, const Sorted& current, int most,
                              const WholeNumbers& wholes = {});
// Rows by code of each side, as many codes as the dictionary has (clocks: kClockCodes).
using CodeCounts = std::array<std::vector<std::int64_t>, 2>;
inline constexpr std::size_t kClockCodes = 1 + 7 * 24;
[[nodiscard]] CodeCounts CountCodes(const ColumnValues& column,
                                    const std::array<const Rows*, 2>& rows);
[[nodiscard]] Bins CategoryBins(const Dictionary& dictionary, const CodeCounts& counts);
[[nodiscard]] Bins ClockBins(const CodeCounts& counts);
// `counts` by word, of rows that have it.
[[nodiscard]] Bins WordBins(const Dictionary& dictionary, const CodeCounts& counts,
                            std::array<std::int64_t, 2> rows);

// "1.5", "-300": the shortest text that is read back as the number.
[[nodiscard]] std::string ShortNumber(double value);

}  // namespace penstock::drift
