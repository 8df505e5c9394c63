// What a pass keeps of one kind of values: all of them while they are few, else sketches. Value
// types; used by one thread.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "components/sdk/row_hash.h"
#include "components/statistics/sketch/block_tree.h"
#include "components/statistics/sketch/counts.h"
#include "components/statistics/sketch/distinct_sketch.h"
#include "components/statistics/sketch/power_sums.h"
#include "components/statistics/sketch/quantile_sketch.h"

namespace penstock::statistics {

struct Limits {
  std::size_t exact_values = 8192;     // of a column, while all of them are kept
  std::size_t exact_bytes = 1 << 20;   // of its texts
  std::size_t counters = 1024;         // of frequent values; 0: none
  std::size_t quantile_values = 1024;  // capacity of a level of KLL
};

inline std::uint64_t HashOf(std::int64_t key) { return sdk::MixBits(std::uint64_t(key)); }
inline std::uint64_t HashOf(double key) { return sdk::MixBits(std::bit_cast<std::uint64_t>(key)); }
inline std::uint64_t HashOf(const TextKey& key) { return key.hash; }

// A node of the tree over blocks.
template <typename Key>
struct SketchNode {
  FrequentValues<Key> frequent{0};
  QuantileSketch quantiles;
  void Merge(const SketchNode& right, std::uint64_t salt) {
    frequent.Merge(right.frequent);
    quantiles.Merge(right.quantiles, salt);
  }
};

template <typename Key>
class ScalarSummary {
 public:
  ScalarSummary(const Limits& limits, std::uint64_t seed)
      : limits_(limits), exact_(limits.exact_values, limits.exact_bytes), tree_(seed) {}

  // `runs` of one block; `numbers` are the same values in order, each as often as it stands there
  // (empty where they have no order).
  void Add(std::uint64_t block, const Counted<Key>& runs, std::vector<double> numbers) {
    Count(runs);
    SketchNode<Key> node;
    if (limits_.counters > 0) node.frequent = FrequentValues<Key>(limits_.counters, runs);
    node.quantiles = QuantileSketch::OfSorted(std::move(numbers), limits_.quantile_values,
                                              tree_.SaltOfBlock(block));
    tree_.Add(block, std::move(node));
  }

  void Merge(ScalarSummary other) {
    if (other.exact_.complete()) {
      Count(other.exact_.values());
    } else {
      GiveUpExact();
      many_->Merge(*other.many_);
    }
    tree_.Merge(std::move(other.tree_));
  }

  // All values with their counts, or null.
  [[nodiscard]] const Counted<Key>* all() const {
    return exact_.complete() ? &exact_.values() : nullptr;
  }
  [[nodiscard]] SketchNode<Key> Sketch() const { return tree_.Finish({}); }
  [[nodiscard]] double DistinctEstimate() const { return many_->Estimate(); }

 private:
  void Count(const Counted<Key>& values) {
    if (exact_.complete() && exact_.Add(values)) return;
    GiveUpExact();
    for (const auto& [key, count] : values) many_->Add(HashOf(key));
  }
  // From here on the values are in the sketches only.
  void GiveUpExact() {
    if (many_) return;
    many_.emplace();
    for (const auto& [key, count] : exact_.Drop()) many_->Add(HashOf(key));
  }

  Limits limits_;
  ExactCounts<Key> exact_;
  std::optional<DistinctSketch> many_;  // once there are too many
  BlockTree<SketchNode<Key>> tree_;
};

// Numbers, kept as Key (int64, double); a Key divided by `divisor` is the number.
template <typename Key>
class NumberSummary {
 public:
  NumberSummary(const Limits& limits, std::uint64_t seed, double divisor)
      : divisor_(divisor), scalars_(limits, seed) {}

  void Add(std::uint64_t block, const Counted<Key>& runs) {
    std::vector<double> numbers;
    for (const auto& [key, count] : runs) {
      sums_.Add(key, count);
      if (key == 0) zeros_ += count;
      if (key < 0) negative_ += count;
      numbers.insert(numbers.end(), std::size_t(count), NumberOf(key));
    }
    if (!runs.empty()) Widen(runs.front().first, runs.back().first);
    scalars_.Add(block, runs, std::move(numbers));
  }

  void Merge(NumberSummary other) {
    if (!other.is_empty_) Widen(other.least_, other.most_);
    sums_.Merge(other.sums_);
    zeros_ += other.zeros_;
    negative_ += other.negative_;
    scalars_.Merge(std::move(other.scalars_));
  }

  [[nodiscard]] double NumberOf(Key key) const { return double(key) / divisor_; }
  [[nodiscard]] const PowerSums& sums() const { return sums_; }
  [[nodiscard]] double divisor() const { return divisor_; }
  [[nodiscard]] Key least() const { return least_; }
  [[nodiscard]] Key most() const { return most_; }
  [[nodiscard]] std::int64_t zeros() const { return zeros_; }
  [[nodiscard]] std::int64_t negative() const { return negative_; }
  [[nodiscard]] const ScalarSummary<Key>& scalars() const { return scalars_; }

 private:
  void Widen(Key least, Key most) {
    if (is_empty_) {
      least_ = least;
      most_ = most;
    }
    is_empty_ = false;
    least_ = std::min(least_, least);
    most_ = std::max(most_, most);
  }

  double divisor_;
  PowerSums sums_;
  Key least_ = 0;
  Key most_ = 0;
  bool is_empty_ = true;
  std::int64_t zeros_ = 0;
  std::int64_t negative_ = 0;
  ScalarSummary<Key> scalars_;
};

}  // namespace penstock::statistics
