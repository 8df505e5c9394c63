// Small boosted trees over binned features, of two classes: enough to tell two datasets apart, with
// nothing to choose. 40 trees of depth 3, each fitted to the gradients of the log loss (Friedman,
// "Greedy function approximation: a gradient boosting machine", 2001), leaves and gains with a
// penalty of 1 (Chen, Guestrin, "XGBoost", 2016, eq. 5 and 7); learning rate 0.2. The bins of a
// feature without an order are sorted by their gradients at each split (Fisher, "On grouping for
// maximum homogeneity", 1958). Of two children the larger one's sums are the parent's less the
// other's. Deterministic; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::drift {

struct BinnedFeature {
  std::vector<std::uint8_t> bins;  // of each row
  std::size_t bin_count = 0;       // at most 256
  std::size_t ordered = 0;         // the first so many bins have an order; none: 0
};

class BoostedTrees {
 public:
  // `rows`: those to learn from; `positive`: of all rows, 0 or 1.
  void Fit(const std::vector<BinnedFeature>& features, const std::vector<std::uint8_t>& positive,
           const std::vector<std::uint32_t>& rows);
  // The log odds of a row.
  [[nodiscard]] double Score(const std::vector<BinnedFeature>& features, std::size_t row) const;
  // What each feature's splits gained.
  [[nodiscard]] const std::vector<double>& gains() const { return gains_; }

 private:
  struct Node {
    std::int32_t feature = -1;          // -1: a leaf
    std::vector<std::uint8_t> left;     // by bin: whether the row goes left
    std::int32_t children[2] = {0, 0};  // left, right
    double value = 0;                   // a leaf's
  };
  using Tree = std::vector<Node>;
  // Of some rows: the log loss's first and second derivatives by the log odds.
  struct Sums {
    double gradient = 0;
    double curvature = 0;
    [[nodiscard]] double Gain() const;
    void Add(const Sums& other) {
      gradient += other.gradient;
      curvature += other.curvature;
    }
  };
  class Grower;
  [[nodiscard]] static double Answer(const Tree& tree, const std::vector<BinnedFeature>& features,
                                     std::size_t row);

  std::vector<Tree> trees_;
  std::vector<double> gains_;
};

}  // namespace penstock::drift
