// Prometheus' text form, as Penstock's own servers write it. What is read came from a pod: hostile.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rollouts {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// The samples whose name begins with `prefix`. Lines that are none, comments among them, are left
// out; NaN and infinities are values.
[[nodiscard]] std::vector<Sample> ReadSamples(std::string_view text, std::string_view prefix);

}  // namespace penstock::rollouts
