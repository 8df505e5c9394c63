// Single rows for people: what went in, what was answered, what is true.
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/scoring.h"

namespace penstock::evaluate {

struct ShownRow {
  std::int64_t row = 0;  // of the dataset
  double loss = 0;       // slices.h, RowLosses
  std::string label;
  std::string answer;               // the decided class with its probability, or the value
  std::vector<std::string> inputs;  // in the manifest's order; "null" without quotes is null
};

// The scored rows (by their place in `scored`) of which the model is most wrong, the worst first;
// and rows that are spread evenly.
[[nodiscard]] std::vector<std::uint32_t> WorstRows(const std::vector<double>& losses,
                                                   std::size_t most);
[[nodiscard]] std::vector<std::uint32_t> SpreadRows(std::size_t rows, std::size_t most);

// In the order of `chosen`.
[[nodiscard]] Result<std::vector<ShownRow>> ShowRows(const std::string& dataset,
                                                     const Scored& scored,
                                                     const std::vector<double>& losses,
                                                     const std::vector<std::uint32_t>& chosen);

}  // namespace penstock::evaluate
