#include "components/drift/classifier/domain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "components/drift/null/parallel.h"
#include "components/drift/null/random.h"

namespace penstock::drift {
namespace {

constexpr std::size_t kFolds = 5;
constexpr int kDraws = 2000;
constexpr std::size_t kToldBy = 5;

// The fold of each row: at random, or of its block, blocks of each side in turn.
std::vector<std::size_t> FoldsOf(const DomainRows& rows, std::size_t folds, std::uint64_t seed) {
  std::vector<std::size_t> fold_of(rows.is_current.size());
  Random random(seed);
  std::map<std::pair<std::uint8_t, std::uint32_t>, std::size_t> of_block;
  std::size_t seen[2] = {0, 0};
  for (std::size_t row = 0; row < fold_of.size(); ++row) {
    if (rows.blocks.empty()) {
      fold_of[row] = std::size_t(random.Below(folds));
      continue;
    }
    const std::uint8_t side = rows.is_current[row];
    const auto [at, is_new] = of_block.try_emplace({side, rows.blocks[row]}, 0);
    if (is_new) at->second = seen[side]++ % folds;
    fold_of[row] = at->second;
  }
  return fold_of;
}

std::size_t FewestBlocks(const DomainRows& rows) {
  std::set<std::uint32_t> blocks[2];
  for (std::size_t row = 0; row < rows.blocks.size(); ++row) {
    blocks[rows.is_current[row]].insert(rows.blocks[row]);
  }
  return std::min(blocks[0].size(), blocks[1].size());
}

// How often blocks that are divided anew have an area as large.
double BlockP(const DomainRows& rows, const RankTest& test, std::uint64_t seed) {
  struct Block {
    double ranks = 0;
    double count = 0;
  };
  std::map<std::pair<std::uint8_t, std::uint32_t>, Block> by_block;
  std::size_t of_current = 0;
  for (std::size_t row = 0; row < rows.blocks.size(); ++row) {
    const auto [at, is_new] = by_block.try_emplace({rows.is_current[row], rows.blocks[row]});
    of_current += is_new && rows.is_current[row] != 0 ? 1 : 0;
    at->second.ranks += test.ranks[row];
    at->second.count += 1;
  }
  std::vector<Block> blocks;
  for (const auto& [key, block] : by_block) blocks.push_back(block);
  Random random(seed);
  int reached = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Block sum;
    for (std::size_t i = 0; i < of_current; ++i) {
      std::swap(blocks[i], blocks[i + random.Below(blocks.size() - i)]);
      sum.ranks += blocks[i].ranks;
      sum.count += blocks[i].count;
    }
    const double others = double(rows.blocks.size()) - sum.count;
    const double auc =
        others > 0 ? (sum.ranks - sum.count * (sum.count + 1) / 2) / (sum.count * others) : 0.5;
    reached += auc >= test.auc - 1e-12 ? 1 : 0;
  }
  return double(1 + reached) / double(1 + kDraws);
}

}  // namespace

RankTest TestRanks(const std::vector<double>& scores, const std::vector<std::uint8_t>& positive) {
  RankTest test;
  test.ranks.resize(scores.size());
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return scores[a] != scores[b] ? scores[a] < scores[b] : a < b; });
  double ranks = 0;
  double ties = 0;
  double n1 = 0;
  for (std::size_t from = 0; from < order.size();) {
    std::size_t to = from;
    while (to < order.size() && scores[order[to]] == scores[order[from]]) ++to;
    const double rank = double(from + 1 + to) / 2;
    const auto equal = double(to - from);
    ties += equal * (equal * equal - 1);
    for (; from < to; ++from) {
      test.ranks[order[from]] = rank;
      if (positive[order[from]] == 0) continue;
      ranks += rank;
      n1 += 1;
    }
  }
  const auto n = double(scores.size());
  const double n0 = n - n1;
  if (n0 == 0 || n1 == 0) return test;
  const double u = ranks - n1 * (n1 + 1) / 2;
  test.auc = u / (n0 * n1);
  const double variance = n0 * n1 / 12 * (n + 1 - ties / (n * (n - 1)));
  if (variance > 0) {
    test.p = std::erfc((u - n0 * n1 / 2) / std::sqrt(2 * variance)) / 2;
  }
  return test;
}

Domain TellApart(const DomainRows& rows, std::uint64_t seed, int threads, DomainModel* model) {
  Domain domain;
  const std::size_t folds = rows.blocks.empty() ? kFolds : std::min(kFolds, FewestBlocks(rows));
  if (folds < 2) domain.why_not = "one side has one block only";
  if (rows.features.empty()) domain.why_not = "there is no column to tell the sides apart by";
  if (!domain.why_not.empty()) return domain;
  const std::vector<std::size_t> fold_of = FoldsOf(rows, folds, seed);
  std::vector<double> scores(fold_of.size(), 0);
  std::vector<std::vector<double>> gains(folds);
  std::vector<BoostedTrees> trees_of(folds);
  ForEachParallel(threads, folds, [&](std::size_t fold) {
    std::vector<std::uint32_t> learnt;
    for (std::size_t row = 0; row < fold_of.size(); ++row) {
      if (fold_of[row] != fold) learnt.push_back(std::uint32_t(row));
    }
    BoostedTrees& trees = trees_of[fold];
    trees.Fit(rows.features, rows.is_current, learnt);
    for (std::size_t row = 0; row < fold_of.size(); ++row) {
      if (fold_of[row] == fold) scores[row] = trees.Score(rows.features, row);
    }
    gains[fold] = trees.gains();
  });
  const RankTest test = TestRanks(scores, rows.is_current);
  domain.auc = test.auc;
  domain.p = rows.blocks.empty() ? test.p : BlockP(rows, test, seed + 1);
  std::map<std::string, double> by_column;
  double all = 0;
  for (std::size_t f = 0; f < rows.columns.size(); ++f) {
    for (const auto& of_fold : gains) {
      by_column[rows.columns[f]] += of_fold[f];
      all += of_fold[f];
    }
  }
  for (const auto& [column, gain] : by_column) {
    if (gain > 0) domain.told_by.emplace_back(column, gain / all);
  }
  std::stable_sort(domain.told_by.begin(), domain.told_by.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (domain.told_by.size() > kToldBy) domain.told_by.resize(kToldBy);
  if (model != nullptr) *model = {std::move(trees_of), std::move(scores)};
  return domain;
}

}  // namespace penstock::drift
