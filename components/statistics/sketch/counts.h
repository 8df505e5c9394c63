// Values with their counts, sorted by value: exact while they are few (ExactCounts), and the
// frequent ones of many (FrequentValues). Value types; used by one thread.
//
// A key has < and ==, and SizeOf(key), the bytes that it holds besides itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace penstock::statistics {

// A text (or bytes) with its hash in front, so that most comparisons end with the hash.
struct TextKey {
  std::uint64_t hash = 0;
  std::string text;
  bool operator==(const TextKey&) const = default;
  bool operator<(const TextKey& other) const {
    return hash != other.hash ? hash < other.hash : text < other.text;
  }
};
inline std::size_t SizeOf(std::int64_t /*key*/) { return 0; }
inline std::size_t SizeOf(double /*key*/) { return 0; }
inline std::size_t SizeOf(const TextKey& key) { return key.text.size(); }

template <typename Key>
using Counted = std::vector<std::pair<Key, std::int64_t>>;  // ascending by key, each once

// The union of both, with the counts added.
template <typename Key>
Counted<Key> MergedCounts(const Counted<Key>& a, const Counted<Key>& b) {
  Counted<Key> out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0;
  for (const auto& entry : b) {
    while (i < a.size() && a[i].first < entry.first) out.push_back(a[i++]);
    out.push_back(entry);
    if (i < a.size() && a[i].first == entry.first) out.back().second += a[i++].second;
  }
  out.insert(out.end(), a.begin() + std::ptrdiff_t(i), a.end());
  return out;
}

// All values, while these are at most `most_values` and hold at most `most_bytes`: whether they are
// does not depend on the order in which they come.
template <typename Key>
class ExactCounts {
 public:
  ExactCounts(std::size_t most_values, std::size_t most_bytes)
      : most_values_(most_values), most_bytes_(most_bytes) {}

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const Counted<Key>& values() const { return values_; }

  // False, and nothing is added, where these would be too many. To be called while complete().
  bool Add(const Counted<Key>& more) {
    if (more.size() > most_values_) return false;
    Counted<Key> all = MergedCounts(values_, more);
    std::size_t bytes = 0;
    for (const auto& [key, count] : all) bytes += SizeOf(key);
    if (all.size() > most_values_ || bytes > most_bytes_) return false;
    values_ = std::move(all);
    return true;
  }
  // From here on not complete(); gives what there was.
  Counted<Key> Drop() {
    complete_ = false;
    return std::exchange(values_, {});
  }

 private:
  std::size_t most_values_;
  std::size_t most_bytes_;
  Counted<Key> values_;
  bool complete_ = true;
};

// At most `most` counters (Misra and Gries: "Finding repeated elements", 1982; merged as Agarwal
// and others: "Mergeable summaries", 2013). A count is at most error() too low, and a value without
// a counter is at most so frequent; error() is at most the count of all divided by (most + 1).
template <typename Key>
class FrequentValues {
 public:
  explicit FrequentValues(std::size_t most) : most_(most) {}
  FrequentValues(std::size_t most, Counted<Key> values) : most_(most), values_(std::move(values)) {
    Reduce();
  }

  void Merge(const FrequentValues& other) {
    error_ += other.error_;
    values_ = MergedCounts(values_, other.values_);
    Reduce();
  }

  [[nodiscard]] const Counted<Key>& values() const { return values_; }
  [[nodiscard]] std::int64_t error() const { return error_; }

 private:
  // The count of the first that has no counter is taken from all.
  void Reduce() {
    if (values_.size() <= most_) return;
    std::vector<std::int64_t> counts;
    counts.reserve(values_.size());
    for (const auto& entry : values_) counts.push_back(entry.second);
    std::nth_element(counts.begin(), counts.begin() + std::ptrdiff_t(most_), counts.end(),
                     std::greater<>());
    const std::int64_t less = counts[most_];
    std::erase_if(values_, [less](auto& entry) { return (entry.second -= less) <= 0; });
    values_.shrink_to_fit();
    error_ += less;
  }

  std::size_t most_;
  std::int64_t error_ = 0;
  Counted<Key> values_;
};

}  // namespace penstock::statistics
