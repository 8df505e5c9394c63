// Statistics in a terminal: a line a column with a sparkline, then some rows. Pure.
#pragma once

#include <string>

#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

struct TerminalOptions {
  std::string name;         // of the dataset
  std::size_t width = 100;  // of the terminal; at least 60 are used
  std::size_t rows = 10;    // of the sample
  bool color = false;       // dims what is beside the values
};

[[nodiscard]] std::string TerminalText(const Statistics& statistics,
                                       const TerminalOptions& options);

}  // namespace penstock::statistics
