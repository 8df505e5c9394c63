#include "operator/plan/values/indexes.h"

#include <charconv>

namespace penstock::plan {

std::string FormatIndexes(const std::vector<std::size_t>& sorted) {
  std::string out;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end + 1 < sorted.size() && sorted[end + 1] == sorted[end] + 1) ++end;
    out += (out.empty() ? "" : ",") + std::to_string(sorted[i]);
    if (end > i) out += "-" + std::to_string(sorted[end]);
    i = end + 1;
  }
  return out;
}

std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit) {
  std::vector<std::size_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::size_t first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc{}) break;
    std::size_t last = first;
    if (next < end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc{}) break;
      next = range.ptr;
    }
    for (std::size_t i = first; i <= last && i < limit; ++i) out.push_back(i);
    at = next < end && *next == ',' ? next + 1 : end;
  }
  return out;
}

}  // namespace penstock::plan
