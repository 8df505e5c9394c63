#include "components/drift/methods/runs.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace penstock::drift {
namespace {

constexpr double kWhole = 9007199254740992;  // 2^53: integers up to it are exact
constexpr std::size_t kFew = 1024;           // below, sorting by comparison is quicker
constexpr double kRoomOfValue = 4;           // counters for each value

// The ends of whole numbers whose range is small for their number; else first > last.
std::pair<double, double> SmallRange(const std::vector<double>& values) {
  constexpr std::pair<double, double> kNone = {1, 0};
  double low = values.front();
  double high = low;
  for (const double x : values) {
    if (!(std::abs(x) < kWhole) || double(std::int64_t(x)) != x) return kNone;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  const double room = kRoomOfValue * double(std::max(values.size(), kFew));
  return high - low < room ? std::pair(low, high) : kNone;
}

// An unsigned number that has the order of the value.
std::uint64_t KeyOf(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  return bits >> 63 != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}
double ValueOf(std::uint64_t key) {
  return std::bit_cast<double>(key >> 63 != 0 ? key & ~(std::uint64_t{1} << 63) : ~key);
}

void SortByBits(std::vector<double>& values) {
  constexpr std::size_t kDigits = 8;
  constexpr std::size_t kRadix = 256;
  std::vector<std::uint64_t> keys(values.size());
  std::vector<std::uint64_t> next(values.size());
  std::array<std::array<std::size_t, kRadix>, kDigits> counts = {};
  for (std::size_t i = 0; i < values.size(); ++i) {
    keys[i] = KeyOf(values[i]);
    for (std::size_t d = 0; d < kDigits; ++d) ++counts[d][(keys[i] >> (8 * d)) & 0xFF];
  }
  for (std::size_t d = 0; d < kDigits; ++d) {
    auto& places = counts[d];
    if (places[(keys.front() >> (8 * d)) & 0xFF] == keys.size()) continue;  // all are alike
    std::size_t sum = 0;
    for (std::size_t& place : places) sum += std::exchange(place, sum);
    for (const std::uint64_t key : keys) next[places[(key >> (8 * d)) & 0xFF]++] = key;
    keys.swap(next);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = ValueOf(keys[i]);
}

}  // namespace

Runs Runs::Of(std::vector<double> values) {
  Runs runs;
  if (values.empty()) return runs;
  const auto [low, high] = SmallRange(values);
  if (low <= high) {
    std::vector<std::int64_t> counts(std::size_t(high - low) + 1, 0);
    for (const double x : values) ++counts[std::size_t(x - low)];
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) runs.Add(low + double(i), counts[i]);
    }
    return runs;
  }
  for (double& x : values) x += 0.0;  // -0 becomes 0
  if (values.size() < kFew) {
    std::sort(values.begin(), values.end());
  } else {
    SortByBits(values);
  }
  for (std::size_t from = 0; from < values.size();) {
    std::size_t to = from;
    while (to < values.size() && values[to] == values[from]) ++to;
    runs.Add(values[from], std::int64_t(to - from));
    from = to;
  }
  return runs;
}

void Runs::Add(double value, std::int64_t count) {
  up_to_.push_back(total() + count);
  values_.push_back(value);
}

double Runs::At(std::int64_t place) const {
  return values_[std::size_t(std::upper_bound(up_to_.begin(), up_to_.end(), place) -
                             up_to_.begin())];
}

std::int64_t Runs::Below(double x) const {
  const auto at = std::lower_bound(values_.begin(), values_.end(), x) - values_.begin();
  return at == 0 ? 0 : up_to_[std::size_t(at) - 1];
}

Runs Merged(const Runs& a, const Runs& b) {
  Runs all;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const bool in_a = j == b.size() || (i < a.size() && a.values()[i] <= b.values()[j]);
    const bool in_b = i == a.size() || (j < b.size() && b.values()[j] <= a.values()[i]);
    const double value = in_a ? a.values()[i] : b.values()[j];
    all.Add(value, (in_a ? a.Count(i) : 0) + (in_b ? b.Count(j) : 0));
    i += in_a ? 1 : 0;
    j += in_b ? 1 : 0;
  }
  return all;
}

sdk::Moments MomentsOf(const Runs& runs) {
  if (runs.size() == 1) return {runs.front(), 0, true};
  // Scaled by a power of two, which is exact, no sum and no square leaves the range of a double.
  const double magnitude = std::max(std::abs(runs.front()), std::abs(runs.back()));
  const int exponent = std::ilogb(magnitude);
  const auto n = double(runs.total());
  // A value as often as it stands: the product, and what its rounding lost.
  const auto add = [](double value, std::int64_t count, sdk::ExactSum& sum) {
    const double product = value * double(count);
    sum.Add(product);
    if (count > 1) sum.Add(std::fma(value, double(count), -product));
  };
  sdk::ExactSum sum;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    add(std::ldexp(runs.values()[i], -exponent), runs.Count(i), sum);
  }
  const double mean = sum.Round() / n;
  sdk::ExactSum squares;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const double difference = std::ldexp(runs.values()[i], -exponent) - mean;
    add(difference * difference, runs.Count(i), squares);
  }
  constexpr double kRounding = 10 * std::numeric_limits<double>::epsilon();
  const double std = std::ldexp(std::sqrt(squares.Round() / n), exponent);
  const bool constant = std <= kRounding * magnitude;
  return {std::clamp(std::ldexp(mean, exponent), runs.front(), runs.back()), constant ? 0 : std,
          constant};
}

}  // namespace penstock::drift
