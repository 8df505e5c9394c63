#include "components/drift/classifier/boosted_trees.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

namespace penstock::drift {
namespace {

constexpr int kTrees = 40;
constexpr int kDepth = 3;
constexpr double kRate = 0.2;
constexpr double kPenalty = 1;
constexpr double kLeastCurvature = 5;  // of a leaf: some twenty rows

}  // namespace

double BoostedTrees::Sums::Gain() const { return gradient * gradient / (curvature + kPenalty); }

// Grows one tree, and adds its answers to the scores of the rows that it learns from.
class BoostedTrees::Grower {
 public:
  // All must outlive it. `of_row` and `scores` are by row.
  Grower(const std::vector<BinnedFeature>& features, const std::vector<Sums>& of_row,
         std::vector<double>& scores, std::vector<double>& gains)
      : features_(features), of_row_(of_row), scores_(scores), gains_(gains) {
    for (const BinnedFeature& feature : features) {
      first_.push_back(bins_);
      bins_ += feature.bin_count;
    }
  }

  Tree Grow(std::span<std::uint32_t> rows) {
    tree_.clear();
    AddNode(rows, SumsOf(rows), kDepth);
    return std::move(tree_);
  }

 private:
  using Histogram = std::vector<Sums>;  // of each feature's bins, one feature after the other
  struct Split {
    double gain = 0;
    std::int32_t feature = -1;
    std::vector<std::uint8_t> left;
  };

  [[nodiscard]] Histogram SumsOf(std::span<const std::uint32_t> rows) const {
    Histogram histogram(bins_);
    std::vector<Sums> own;  // in the order of the rows: each feature walks over them
    own.reserve(rows.size());
    for (const std::uint32_t row : rows) own.push_back(of_row_[row]);
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const std::uint8_t* const bins = features_[f].bins.data();
      Sums* const sums = histogram.data() + first_[f];
      for (std::size_t i = 0; i < rows.size(); ++i) sums[bins[rows[i]]].Add(own[i]);
    }
    return histogram;
  }

  // Tries every cut between `order`'s bins.
  void Try(std::size_t f, const Histogram& histogram, const Sums& all,
           std::span<const std::uint16_t> order, Split& split) const {
    Sums left;
    double best = split.gain;
    std::size_t cut = 0;
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
      left.Add(histogram[first_[f] + order[i]]);
      const Sums right = {all.gradient - left.gradient, all.curvature - left.curvature};
      if (left.curvature < kLeastCurvature || right.curvature < kLeastCurvature) continue;
      const double here = left.Gain() + right.Gain() - all.Gain();
      if (here <= best + 1e-9) continue;
      best = here;
      cut = i + 1;
    }
    if (cut == 0) return;
    split = {best, std::int32_t(f), std::vector<std::uint8_t>(order.size(), 0)};
    for (std::size_t i = 0; i < cut; ++i) split.left[order[i]] = 1;
  }

  [[nodiscard]] Split BestSplit(const Histogram& histogram, const Sums& all) const {
    Split split;
    for (std::size_t f = 0; f < features_.size(); ++f) {
      const BinnedFeature& feature = features_[f];
      std::vector<std::uint16_t> order(feature.bin_count);
      std::iota(order.begin(), order.end(), std::uint16_t{0});
      Try(f, histogram, all, order, split);
      if (feature.ordered == feature.bin_count) continue;
      const auto at = [&](std::uint16_t bin) {
        const Sums& sums = histogram[first_[f] + bin];
        return sums.gradient / (sums.curvature + kPenalty);
      };
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return at(a) < at(b); });
      Try(f, histogram, all, order, split);
    }
    return split;
  }

  std::int32_t AddNode(std::span<std::uint32_t> rows, Histogram histogram, int depth) {
    Sums all;
    for (const std::uint32_t row : rows) all.Add(of_row_[row]);
    const auto index = std::int32_t(tree_.size());
    tree_.emplace_back();
    const double value = -kRate * all.gradient / (all.curvature + kPenalty);
    tree_.back().value = value;
    Split split;
    if (depth > 0 && all.curvature >= 2 * kLeastCurvature) split = BestSplit(histogram, all);
    if (split.feature < 0) {
      for (const std::uint32_t row : rows) scores_[row] += value;
      return index;
    }
    gains_[std::size_t(split.feature)] += split.gain;
    const auto& bins = features_[std::size_t(split.feature)].bins;
    const auto middle = std::stable_partition(
        rows.begin(), rows.end(), [&](std::uint32_t row) { return split.left[bins[row]] != 0; });
    const auto left = rows.first(std::size_t(middle - rows.begin()));
    const auto right = rows.subspan(left.size());
    Histogram of_left, of_right;
    if (depth > 1) {
      const bool left_is_less = left.size() < right.size();
      Histogram less = SumsOf(left_is_less ? left : right);
      for (std::size_t i = 0; i < less.size(); ++i) {
        histogram[i].gradient -= less[i].gradient;
        histogram[i].curvature -= less[i].curvature;
      }
      of_left = std::move(left_is_less ? less : histogram);
      of_right = std::move(left_is_less ? histogram : less);
    }
    const std::int32_t left_child = AddNode(left, std::move(of_left), depth - 1);
    const std::int32_t right_child = AddNode(right, std::move(of_right), depth - 1);
    Node& node = tree_[std::size_t(index)];
    node.feature = split.feature;
    node.left = std::move(split.left);
    node.children[0] = left_child;
    node.children[1] = right_child;
    return index;
  }

  const std::vector<BinnedFeature>& features_;
  const std::vector<Sums>& of_row_;
  std::vector<double>& scores_;
  std::vector<double>& gains_;
  std::vector<std::size_t> first_;  // of each feature, in a histogram
  std::size_t bins_ = 0;
  Tree tree_;
};

double BoostedTrees::Answer(const Tree& tree, const std::vector<BinnedFeature>& features,
                            std::size_t row) {
  const Node* node = tree.data();
  while (node->feature >= 0) {
    const bool left = node->left[features[std::size_t(node->feature)].bins[row]] != 0;
    node = &tree[std::size_t(node->children[left ? 0 : 1])];
  }
  return node->value;
}

void BoostedTrees::Fit(const std::vector<BinnedFeature>& features,
                       const std::vector<std::uint8_t>& positive,
                       const std::vector<std::uint32_t>& rows) {
  trees_.clear();
  gains_.assign(features.size(), 0);
  std::vector<double> scores(positive.size(), 0);
  std::vector<Sums> of_row(positive.size());
  std::vector<std::uint32_t> order;
  Grower grower(features, of_row, scores, gains_);
  for (int t = 0; t < kTrees; ++t) {
    for (const std::uint32_t row : rows) {
      const double p = 1 / (1 + std::exp(-scores[row]));
      of_row[row] = {p - positive[row], p * (1 - p)};
    }
    order = rows;
    trees_.push_back(grower.Grow(order));
  }
}

double BoostedTrees::Score(const std::vector<BinnedFeature>& features, std::size_t row) const {
  double score = 0;
  for (const Tree& tree : trees_) score += Answer(tree, features, row);
  return score;
}

}  // namespace penstock::drift
