#include "components/statistics/sketch/quantile_sketch.h"

#include <algorithm>
#include <cmath>

#include "components/sdk/row_hash.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kLeastCapacity = 8;
constexpr double kOneInHundred = 0.01;

}  // namespace

QuantileSketch QuantileSketch::OfSorted(std::vector<double> values, std::size_t capacity,
                                        std::uint64_t salt) {
  QuantileSketch sketch;
  sketch.capacity_ = capacity;
  sketch.count_ = static_cast<std::int64_t>(values.size());
  sketch.levels_.push_back(std::move(values));
  sketch.Compress(salt);
  return sketch;
}

// The upper levels are wide, each lower one two thirds of it.
std::size_t QuantileSketch::CapacityOf(std::size_t level) const {
  double capacity = double(capacity_);
  for (std::size_t above = level + 1; above < levels_.size(); ++above) capacity *= 2.0 / 3;
  return std::max(kLeastCapacity, std::size_t(std::ceil(capacity)));
}

std::size_t QuantileSketch::held() const {
  std::size_t sum = 0;
  for (const auto& level : levels_) sum += level.size();
  return sum;
}

void QuantileSketch::Compress(std::uint64_t salt) {
  for (std::uint64_t step = 0;; ++step) {
    std::size_t room = 0;
    for (std::size_t h = 0; h < levels_.size(); ++h) room += CapacityOf(h);
    if (held() <= room) return;
    std::size_t full = 0;
    while (levels_[full].size() < CapacityOf(full)) ++full;
    const bool second = (sdk::MixBits(salt ^ sdk::MixBits(step)) & 1) != 0;
    Halve(full, second);
  }
}

void QuantileSketch::Halve(std::size_t level, bool second) {
  if (level + 1 == levels_.size()) levels_.emplace_back();
  std::vector<double>& from = levels_[level];
  const std::size_t pairs = from.size() / 2;
  std::vector<double> up;
  up.reserve(pairs + levels_[level + 1].size());
  for (std::size_t i = 0; i < pairs; ++i) up.push_back(from[2 * i + (second ? 1 : 0)]);
  // The last of an odd number stays, with its weight.
  std::vector<double> rest(from.begin() + std::ptrdiff_t(2 * pairs), from.end());
  from = std::move(rest);
  std::vector<double> merged(up.size() + levels_[level + 1].size());
  std::merge(up.begin(), up.end(), levels_[level + 1].begin(), levels_[level + 1].end(),
             merged.begin());
  levels_[level + 1] = std::move(merged);
  squares_ += std::ldexp(1.0, int(2 * level));
}

void QuantileSketch::Merge(const QuantileSketch& other, std::uint64_t salt) {
  count_ += other.count_;
  squares_ += other.squares_;
  capacity_ = std::max(capacity_, other.capacity_);
  if (levels_.size() < other.levels_.size()) levels_.resize(other.levels_.size());
  for (std::size_t h = 0; h < other.levels_.size(); ++h) {
    std::vector<double> merged(levels_[h].size() + other.levels_[h].size());
    std::merge(levels_[h].begin(), levels_[h].end(), other.levels_[h].begin(),
               other.levels_[h].end(), merged.begin());
    levels_[h] = std::move(merged);
  }
  Compress(salt);
}

double QuantileSketch::RankError() const {
  if (count_ == 0) return 0;
  return std::sqrt(2 * std::log(2 / kOneInHundred) * squares_) / double(count_);
}

std::vector<std::pair<double, std::int64_t>> QuantileSketch::Weighted() const {
  std::vector<std::pair<double, std::int64_t>> out;
  out.reserve(held());
  for (std::size_t h = 0; h < levels_.size(); ++h) {
    for (const double value : levels_[h]) out.emplace_back(value, std::int64_t{1} << h);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

}  // namespace penstock::statistics
