#include "components/drift/whole_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace penstock::drift {

WholeNumbers WholeNumbers::Of(std::vector<std::int64_t> all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  WholeNumbers numbers;
  numbers.values_.reserve(all.size());
  bool meet = false;
  for (const std::int64_t whole : all) {
    auto value = double(whole);
    if (!numbers.values_.empty() && value <= numbers.values_.back()) {
      value = std::nextafter(numbers.values_.back(), std::numeric_limits<double>::infinity());
      meet = true;
    }
    numbers.values_.push_back(value);
  }
  if (!meet) return {};
  numbers.wholes_ = std::move(all);
  return numbers;
}

double WholeNumbers::ValueOf(std::int64_t whole) const {
  if (empty()) return double(whole);
  const auto above = std::upper_bound(wholes_.begin(), wholes_.end(), whole);
  const auto at = std::max<std::ptrdiff_t>(1, above - wholes_.begin()) - 1;
  return values_[std::size_t(at)];
}

std::string WholeNumbers::TextOf(double value) const {
  char text[32];
  const auto at = std::lower_bound(values_.begin(), values_.end(), value);
  const auto end =
      !empty() && at != values_.end() && *at == value
          ? std::to_chars(text, text + sizeof text, wholes_[std::size_t(at - values_.begin())])
          : std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

}  // namespace penstock::drift
