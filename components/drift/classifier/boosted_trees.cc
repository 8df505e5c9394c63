#include "components/drift/classifier/boosted_trees.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace penstock::drift {
namespace {

constexpr int kTrees = 40;
constexpr int kDepth = 3;
constexpr double kRate = 0.2;
constexpr double kPenalty = 1;
constexpr double kLeastCurvature = 5;  // of a leaf: some twenty rows
constexpr std::size_t kMostBins = 256;

}  // namespace

double BoostedTrees::Sums::Gain() const { return gradient * gradient / (curvature + kPenalty); }

void BoostedTrees::Sums::Add(const Sums& other) {
  gradient += other.gradient;
  curvature += other.curvature;
}

struct BoostedTrees::Split {
  double gain = 0;
  std::int32_t feature = -1;
  std::vector<std::uint8_t> left;
  std::array<Sums, kMostBins> histogram;

  // Tries every cut between `order`'s bins.
  void Try(std::int32_t of, const Sums& all, std::size_t bins,
           std::span<const std::uint16_t> order) {
    Sums left_sums;
    double best = gain;
    std::size_t cut = 0;
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
      left_sums.Add(histogram[order[i]]);
      const Sums right = {all.gradient - left_sums.gradient, all.curvature - left_sums.curvature};
      if (left_sums.curvature < kLeastCurvature || right.curvature < kLeastCurvature) continue;
      const double here = left_sums.Gain() + right.Gain() - all.Gain();
      if (here <= best + 1e-9) continue;
      best = here;
      cut = i + 1;
    }
    if (cut == 0) return;
    gain = best;
    feature = of;
    left.assign(bins, 0);
    for (std::size_t i = 0; i < cut; ++i) left[order[i]] = 1;
  }
};

std::int32_t BoostedTrees::Grow(const std::vector<BinnedFeature>& features,
                                const std::vector<Sums>& of_row, std::span<std::uint32_t> rows,
                                int depth, Tree& tree) {
  Sums all;
  for (const std::uint32_t row : rows) all.Add(of_row[row]);
  const auto index = std::int32_t(tree.size());
  tree.emplace_back();
  tree[std::size_t(index)].value = -kRate * all.gradient / (all.curvature + kPenalty);
  if (depth == 0 || all.curvature < 2 * kLeastCurvature) return index;
  Split split;
  auto& histogram = split.histogram;
  for (std::size_t f = 0; f < features.size(); ++f) {
    const BinnedFeature& feature = features[f];
    std::fill_n(histogram.begin(), feature.bin_count, Sums{});
    for (const std::uint32_t row : rows) {
      histogram[feature.bins[row]].Add(of_row[row]);
    }
    std::vector<std::uint16_t> order(feature.bin_count);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    split.Try(std::int32_t(f), all, feature.bin_count, order);
    if (feature.ordered == feature.bin_count) continue;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      const auto at = [&](auto bin) {
        return histogram[bin].gradient / (histogram[bin].curvature + kPenalty);
      };
      return at(a) < at(b);
    });
    split.Try(std::int32_t(f), all, feature.bin_count, order);
  }
  if (split.feature < 0) return index;
  gains_[std::size_t(split.feature)] += split.gain;
  const auto& bins = features[std::size_t(split.feature)].bins;
  const auto middle = std::stable_partition(
      rows.begin(), rows.end(), [&](std::uint32_t row) { return split.left[bins[row]] != 0; });
  const auto left_rows = std::size_t(middle - rows.begin());
  const auto left = Grow(features, of_row, rows.first(left_rows), depth - 1, tree);
  const auto right = Grow(features, of_row, rows.subspan(left_rows), depth - 1, tree);
  Node& node = tree[std::size_t(index)];
  node.feature = split.feature;
  node.left = std::move(split.left);
  node.children[0] = left;
  node.children[1] = right;
  return index;
}

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
  for (int t = 0; t < kTrees; ++t) {
    for (const std::uint32_t row : rows) {
      const double p = 1 / (1 + std::exp(-scores[row]));
      of_row[row] = {p - positive[row], p * (1 - p)};
    }
    std::vector<std::uint32_t> order(rows);
    Tree tree;
    Grow(features, of_row, order, kDepth, tree);
    for (const std::uint32_t row : rows) scores[row] += Answer(tree, features, row);
    trees_.push_back(std::move(tree));
  }
}

double BoostedTrees::Score(const std::vector<BinnedFeature>& features, std::size_t row) const {
  double score = 0;
  for (const Tree& tree : trees_) score += Answer(tree, features, row);
  return score;
}

}  // namespace penstock::drift
