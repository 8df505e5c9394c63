// The parts of the rows by the values of a column, each compared by itself.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/drift/bins.h"
#include "components/drift/options.h"
#include "components/drift/sample.h"

namespace penstock::drift {

struct Slice {
  std::string column;
  std::string value;
  std::array<Rows, 2> rows;  // of each side
};

class Slices {
 public:
  static constexpr std::size_t kMostOfColumn = 20;  // the largest

  Slices(const Sample& sample, const Options& options);
  [[nodiscard]] const std::vector<Slice>& list() const { return list_; }
  // How many values have too few rows of a side, or are beyond the most.
  [[nodiscard]] std::int64_t too_small() const { return too_small_; }

 private:
  std::vector<Slice> list_;
  std::int64_t too_small_ = 0;
};

}  // namespace penstock::drift
