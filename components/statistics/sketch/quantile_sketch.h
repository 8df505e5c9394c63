// Quantiles of numbers: KLL (Karnin, Lang, Liberty: "Optimal quantile approximation in streams",
// FOCS 2016). Level h holds sorted values that stand for 2^h each; a full level is halved: of its
// values every second goes up, from the first or the second on by a bit of a seeded hash. At most
// about 3 kCapacity values are held. Merges are to be made in one order (block_tree.h). Value type.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace penstock::statistics {

class QuantileSketch {
 public:
  // Of values in ascending order, none NaN. `salt` decides the bits.
  static QuantileSketch OfSorted(std::vector<double> values, std::size_t capacity,
                                 std::uint64_t salt);
  void Merge(const QuantileSketch& other, std::uint64_t salt);

  [[nodiscard]] std::int64_t count() const { return count_; }
  // How far a rank may be off, as a share of the values, but once in a hundred: Hoeffding's bound
  // over the halvings, each of which shifts a rank by 2^h or -2^h or not at all. 0 before the
  // first.
  [[nodiscard]] double RankError() const;
  // (value, how many it stands for), ascending by value.
  [[nodiscard]] std::vector<std::pair<double, std::int64_t>> Weighted() const;

 private:
  void Compress(std::uint64_t salt);
  void Halve(std::size_t level, bool second);
  [[nodiscard]] std::size_t CapacityOf(std::size_t level) const;
  [[nodiscard]] std::size_t held() const;

  std::size_t capacity_ = 0;
  std::int64_t count_ = 0;
  double squares_ = 0;  // of the weights that were halved: whole numbers
  std::vector<std::vector<double>> levels_;
};

}  // namespace penstock::statistics
