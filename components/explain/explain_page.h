// What the inputs are worth, as a page for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/explain/importance.h"

namespace penstock::explain {

struct PageFacts {
  std::string model;
  std::string method;
  std::string space;
  std::int64_t rows = 0;
  double largest_residual = 0;
  std::vector<double> bases;  // of the first row, by output
};
[[nodiscard]] std::string ExplainPage(const PageFacts& facts,
                                      const std::vector<InputImportance>& importance);

}  // namespace penstock::explain
