#include "components/statistics/sketch/runs.h"

#include <algorithm>
#include <array>
#include <bit>

namespace penstock::statistics {
namespace {

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
constexpr std::uint64_t kNarrow = std::uint64_t{1} << 17;

// As unsigned numbers in the same order.
std::uint64_t Ordered(std::int64_t value) { return std::uint64_t(value) ^ kSign; }
std::uint64_t Ordered(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return (bits & kSign) != 0 ? ~bits : bits ^ kSign;
}
template <typename Value>
Value Unordered(std::uint64_t key);
template <>
std::int64_t Unordered(std::uint64_t key) {
  return std::int64_t(key ^ kSign);
}
template <>
double Unordered(std::uint64_t key) {
  return std::bit_cast<double>((key & kSign) != 0 ? key ^ kSign : ~key);
}

// By bytes from the lowest on; a byte that all share is passed over.
void RadixSort(std::vector<std::uint64_t>& keys) {
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t any = 0;
  for (const std::uint64_t key : keys) {
    all &= key;
    any |= key;
  }
  const std::uint64_t differ = all ^ any;
  std::vector<std::uint64_t> other(keys.size());
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if (((differ >> shift) & 0xFF) == 0) continue;
    std::array<std::uint32_t, 256> begin{};
    for (const std::uint64_t key : keys) ++begin[(key >> shift) & 0xFF];
    std::uint32_t sum = 0;
    for (auto& place : begin) sum += std::exchange(place, sum);
    for (const std::uint64_t key : keys) other[begin[(key >> shift) & 0xFF]++] = key;
    keys.swap(other);
  }
}

template <typename Value>
Counted<Value> SortedRuns(const std::vector<Value>& values) {
  std::vector<std::uint64_t> keys(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) keys[i] = Ordered(values[i]);
  RadixSort(keys);
  Counted<Value> runs;
  for (std::size_t i = 0; i < keys.size();) {
    std::size_t end = i + 1;
    while (end < keys.size() && keys[end] == keys[i]) ++end;
    runs.emplace_back(Unordered<Value>(keys[i]), std::int64_t(end - i));
    i = end;
  }
  return runs;
}

}  // namespace

Counted<std::int64_t> RunsOf(const std::vector<std::int64_t>& values) {
  if (values.empty()) return {};
  std::int64_t least = values.front();
  std::int64_t most = values.front();
  for (const std::int64_t value : values) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  const std::uint64_t range = std::uint64_t(most) - std::uint64_t(least);
  if (range >= std::max<std::uint64_t>(kNarrow, 2 * values.size())) return SortedRuns(values);
  std::vector<std::uint32_t> counts(range + 1);
  for (const std::int64_t value : values) ++counts[std::uint64_t(value) - std::uint64_t(least)];
  Counted<std::int64_t> runs;
  for (std::uint64_t i = 0; i <= range; ++i) {
    if (counts[i] > 0) runs.emplace_back(std::int64_t(std::uint64_t(least) + i), counts[i]);
  }
  return runs;
}

Counted<double> RunsOf(const std::vector<double>& values) { return SortedRuns(values); }

Counted<TextKey> RunsOf(Counted<TextKey> values) {
  std::sort(values.begin(), values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (kept > 0 && values[kept - 1].first == values[i].first) {
      values[kept - 1].second += values[i].second;
    } else if (kept++ != i) {
      values[kept - 1] = std::move(values[i]);
    }
  }
  values.resize(kept);
  return values;
}

}  // namespace penstock::statistics
