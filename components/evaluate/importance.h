// How much worse the model is when one raw input is shuffled among rows (Breiman, Machine Learning
// 45, 2001). Of inputs that tell the same, each may look unimportant.
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/scoring.h"

namespace penstock::evaluate {

struct ImportanceOptions {
  std::string metric;
  int repeats = 5;  // 2 or more
  std::size_t rows = 5000;
  std::uint64_t seed = 0;
  double confidence = 0.95;
};
struct InputImportance {
  std::string column;
  double drop = 0;  // mean over the repeats of how much worse the metric is; below 0: better
  double low = 0;   // Student's interval of that mean: of the shuffles, not of the rows
  double high = 0;
};
struct Importance {
  std::string metric;
  std::int64_t rows = 0;  // evenly spread over the scored ones; fewer where inputs are many
  double base = 0;        // the metric on them
  std::string why;        // there is none; else empty
  std::vector<InputImportance> inputs;  // by falling drop
};

// Not defined (`why`) where the metric is not on these rows, or has no direction.
[[nodiscard]] Result<Importance> ImportanceOf(const ServedModel& served, const Scored& scored,
                                              const std::string& dataset,
                                              const ImportanceOptions& options);
[[nodiscard]] Json ToJson(const Importance& importance);

}  // namespace penstock::evaluate
