// Which rows are held out when: folds over the table, or its second dataset. Pure, and the same for
// the same rows and seed on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/train/target.h"

namespace penstock::train {

// Ascending numbers of rows.
struct Fold {
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> held_out;
};

struct FoldPlan {
  std::vector<Fold> folds;   // those of the first repeat first
  std::size_t a_repeat = 1;  // folds of one repeat: they hold out each row once, or valid
  bool valid_alone = false;
  std::string why;  // a sentence for the log

  [[nodiscard]] std::size_t repeats() const { return folds.size() / a_repeat; }
};

// Fewer valid rows than these, or of its rarest class, say too little.
inline constexpr std::size_t kEnoughValidRows = 2000;
inline constexpr std::size_t kEnoughOfAClass = 200;

// Do these rows judge well enough by themselves?
[[nodiscard]] bool IsEnough(const Labels& labels, const std::vector<std::uint32_t>& rows);

// valid alone where there is enough of it and `folds` is 0; else `folds` (0: five) over all rows, a
// group whole, classes or values spread evenly; `repeat`: two times below 1,000 rows, three below
// 500. Invalid for fewer than four rows or two groups.
[[nodiscard]] Result<FoldPlan> PlanFolds(const Labels& labels, std::int64_t folds, bool repeat,
                                         std::uint64_t seed);

// The part of each row, in [0, parts): classes (or values) of `y` spread evenly, groups whole.
[[nodiscard]] std::vector<std::uint32_t> SpreadRows(const std::vector<double>& y, bool classes,
                                                    const std::vector<std::uint32_t>& group,
                                                    std::uint32_t parts, std::uint64_t seed);

}  // namespace penstock::train
