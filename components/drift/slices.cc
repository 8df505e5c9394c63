#include "components/drift/slices.h"

#include <algorithm>

namespace penstock::drift {

Slices::Slices(const Sample& sample, const Options& options) {
  for (std::size_t s = 0; s < options.slices.size(); ++s) {
    const Dictionary& values = sample.slice_values()[s];
    std::vector<Slice> of_column(values.size());
    for (std::size_t code = 0; code < values.size(); ++code) {
      of_column[code].column = options.slices[s];
      of_column[code].value = values.TextOf(std::uint32_t(code));
    }
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& codes = sample.side(side).slices[s];
      for (std::size_t row = 0; row < codes.size(); ++row) {
        of_column[codes[row]].rows[side].push_back(std::uint32_t(row));
      }
    }
    const std::size_t all = of_column.size();
    const auto least = std::size_t(options.slice_rows);
    std::erase_if(of_column, [&](const Slice& slice) {
      return slice.rows[0].size() < least || slice.rows[1].size() < least;
    });
    std::sort(of_column.begin(), of_column.end(), [](const Slice& a, const Slice& b) {
      const std::size_t rows_a = a.rows[0].size() + a.rows[1].size();
      const std::size_t rows_b = b.rows[0].size() + b.rows[1].size();
      return rows_a != rows_b ? rows_a > rows_b : a.value < b.value;
    });
    if (of_column.size() > kMostOfColumn) of_column.resize(kMostOfColumn);
    too_small_ += std::int64_t(all - of_column.size());
    for (Slice& slice : of_column) list_.push_back(std::move(slice));
  }
}

}  // namespace penstock::drift
