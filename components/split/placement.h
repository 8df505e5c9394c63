// Where a row goes: to which part, and in train to which fold of each repetition.
//
// Without strata a row's place is a function of the row: its hash, as a number in [0, 1), is cut at
// the shares. With strata the rows of each are ranked by hash and cut at the shares of their count,
// so that every part has the labels of the whole to a row; groups, which are not to be parted, are
// dealt out whole, the largest first, each to the part that lacks most of what it has. Both need to
// have seen all rows: a row's place then depends on the others. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "components/split/facts.h"
#include "components/split/options.h"

namespace penstock::split {

using VisitRow = std::function<void(const RowFacts&)>;
// Calls for every row that is not dropped, in any order that is the same each time.
using Scan = std::function<Result<void>(const VisitRow&)>;

class Placement {
 public:
  explicit Placement(const SplitOptions& options);

  // Sees all rows: several times for strata, never without. Memory: a few thousand numbers for each
  // stratum; with groups, one record for each.
  [[nodiscard]] Result<void> Learn(const Scan& scan, const Strata& strata);

  // Part, then the folds: as many codes as Levels(). Folds of what is not in train are 0.
  [[nodiscard]] std::size_t Levels() const { return 1 + std::size_t(folds_ > 0 ? repeats_ : 0); }
  void CodesOf(const RowFacts& row, std::uint8_t* codes) const;

 private:
  struct Group {
    std::vector<std::uint32_t> rows;  // by stratum
    std::vector<std::uint8_t> codes;  // by level
  };
  using Bounds = std::vector<std::uint64_t>;  // a row belongs before the first that is above it

  [[nodiscard]] std::vector<double> Shares(std::size_t level) const;
  [[nodiscard]] std::uint8_t Code(const RowFacts& row, std::size_t level) const;
  [[nodiscard]] Result<void> LearnBounds(const Scan& scan, const Strata& strata, std::size_t level);
  [[nodiscard]] Result<void> LearnGroups(const Scan& scan, std::size_t strata);
  void DealGroups(std::size_t strata, std::size_t level);

  SplitOptions::By by_;
  bool stratified_ = false;
  bool grouped_ = false;
  std::vector<double> fractions_;
  int folds_ = 0;
  int repeats_ = 1;
  std::vector<std::vector<Bounds>> bounds_;  // by level and stratum
  std::unordered_map<std::uint64_t, Group> groups_;
};

}  // namespace penstock::split
