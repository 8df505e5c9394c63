#include "components/statistics/summary/statistics.h"

#include <algorithm>

namespace penstock::statistics {
namespace {

constexpr const char* kNames[] = {"number", "time", "text", "boolean", "bytes", "list", "other"};

}  // namespace

const char* Name(Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<Kind> ParseKind(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return Kind(i);
  }
  return std::nullopt;
}

double Numbers::ShareAtMost(double x) const {
  if (x < min) return 0;
  if (x >= max) return 1;
  // The last percentile at or below x, and the way to the next.
  const auto after = std::upper_bound(quantiles.begin(), quantiles.end(), x);
  const auto at = static_cast<std::size_t>(after - quantiles.begin()) - 1;
  const double low = quantiles[at];
  const double high = *after;
  const double within = high > low ? (x - low) / (high - low) : 0;
  return (static_cast<double>(at) + within) / kPercentiles;
}

const Column* Statistics::Find(const std::string& name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&name](const Column& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

}  // namespace penstock::statistics
