// Values that were counted elsewhere, in Prometheus's text form. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace penstock::serve {

enum class FamilyType : std::uint8_t { kCounter, kGauge };

struct Sample {
  double value = 0;
  std::vector<std::pair<std::string, std::string>> labels;  // name, value
};

// A family of samples, with its help and type.
[[nodiscard]] std::string Expose(const std::string& name, FamilyType type, const std::string& help,
                                 const std::vector<Sample>& samples);

}  // namespace penstock::serve
