#include "components/train/folds.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "components/sdk/row_hash.h"

namespace penstock::train {
namespace {

constexpr std::int64_t kFolds = 5;
constexpr std::size_t kSmall = 1000;
constexpr std::size_t kVerySmall = 500;

std::uint64_t Draw(std::uint64_t seed, std::uint64_t n) {
  return sdk::MixBits(sdk::MixBits(seed) + n);
}

// Rows in the order of their values, those of one value in the order of their draws.
std::vector<std::uint32_t> OrderOf(const std::vector<double>& y, std::uint64_t seed) {
  std::vector<std::uint32_t> order(y.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (y[a] != y[b]) return y[a] < y[b];
    const auto da = Draw(seed, a);
    const auto db = Draw(seed, b);
    return da != db ? da < db : a < b;
  });
  return order;
}

// Neighbours go to different parts, in an order that is drawn for each handful of them.
std::vector<std::uint32_t> SpreadSingly(const std::vector<double>& y, std::uint32_t parts,
                                        std::uint64_t seed) {
  const auto order = OrderOf(y, seed);
  std::vector<std::uint32_t> part(y.size());
  std::vector<std::uint32_t> deal(parts);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t at = i % parts;
    if (at == 0) {
      std::iota(deal.begin(), deal.end(), 0U);
      for (std::size_t k = parts - 1; k > 0; --k) {
        std::swap(deal[k], deal[Draw(seed ^ 0x5eedULL, i + k) % (k + 1)]);
      }
    }
    part[order[i]] = deal[at];
  }
  return part;
}

struct Group {
  std::uint32_t code = 0;
  std::vector<std::uint32_t> rows;
  std::map<std::size_t, double> classes;  // how many of each
};

// The largest groups first, each to the part where its classes are rarest.
std::vector<std::uint32_t> SpreadGroups(const std::vector<double>& y, bool classes,
                                        const std::vector<std::uint32_t>& group,
                                        std::uint32_t parts, std::uint64_t seed) {
  std::map<std::uint32_t, Group> by_code;
  std::map<std::size_t, double> totals;
  for (std::size_t r = 0; r < y.size(); ++r) {
    Group& g = by_code[group[r]];
    g.code = group[r];
    g.rows.push_back(std::uint32_t(r));
    const std::size_t k = classes ? std::size_t(y[r]) : 0;
    g.classes[k] += 1;
    totals[k] += 1;
  }
  std::vector<const Group*> order;
  for (const auto& [code, g] : by_code) order.push_back(&g);
  std::sort(order.begin(), order.end(), [&](const Group* a, const Group* b) {
    if (a->rows.size() != b->rows.size()) return a->rows.size() > b->rows.size();
    return std::pair(Draw(seed, a->code), a->code) < std::pair(Draw(seed, b->code), b->code);
  });
  std::vector<std::map<std::size_t, double>> held(parts);
  std::vector<std::uint32_t> part(y.size());
  for (const Group* g : order) {
    std::uint32_t best = 0;
    double best_cost = 0;
    for (std::uint32_t p = 0; p < parts; ++p) {
      double cost = 0;
      for (const auto& [k, n] : g->classes) {
        cost += n * (2 * held[p][k] + n) / (totals[k] * totals[k]);
      }
      if (p == 0 || cost < best_cost) {
        best = p;
        best_cost = cost;
      }
    }
    for (const auto& [k, n] : g->classes) held[best][k] += n;
    for (const std::uint32_t r : g->rows) part[r] = best;
  }
  return part;
}

// Rows of valid whose group is one of train's.
std::size_t SharedRows(const Labels& labels) {
  if (labels.group.empty()) return 0;
  const auto valid = labels.group.begin() + std::ptrdiff_t(labels.train_rows);
  const std::set<std::uint32_t> groups(labels.group.begin(), valid);
  return std::size_t(std::count_if(valid, labels.group.end(),
                                   [&](std::uint32_t group) { return groups.contains(group); }));
}

FoldPlan ValidAlone(const Labels& labels) {
  FoldPlan plan;
  plan.valid_alone = true;
  plan.folds.resize(1);
  for (std::size_t r = 0; r < labels.rows(); ++r) {
    auto& rows = r < labels.train_rows ? plan.folds[0].train : plan.folds[0].held_out;
    rows.push_back(std::uint32_t(r));
  }
  plan.why = "candidates are fitted on train and judged on the " +
             std::to_string(plan.folds[0].held_out.size()) + " rows of valid";
  if (const std::size_t shared = SharedRows(labels); shared > 0) {
    plan.why += "; of these " + std::to_string(shared) +
                " are of groups that train has, too, and judge too kindly: split by group";
  }
  return plan;
}

}  // namespace

bool IsEnough(const Labels& labels, const std::vector<std::uint32_t>& rows) {
  if (rows.size() < kEnoughValidRows) return false;
  if (!labels.classification()) return true;
  std::vector<std::size_t> counts(labels.target.classes, 0);
  for (const std::uint32_t r : rows) ++counts[std::size_t(labels.y[r])];
  return *std::min_element(counts.begin(), counts.end()) >= kEnoughOfAClass;
}

std::vector<std::uint32_t> SpreadRows(const std::vector<double>& y, bool classes,
                                      const std::vector<std::uint32_t>& group, std::uint32_t parts,
                                      std::uint64_t seed) {
  if (!group.empty()) return SpreadGroups(y, classes, group, parts, seed);
  return SpreadSingly(y, parts, seed);
}

Result<FoldPlan> PlanFolds(const Labels& labels, std::int64_t folds, bool repeat,
                           std::uint64_t seed) {
  const std::size_t rows = labels.rows();
  std::vector<std::uint32_t> valid(rows - labels.train_rows);
  std::iota(valid.begin(), valid.end(), std::uint32_t(labels.train_rows));
  if (folds == 0 && IsEnough(labels, valid)) return ValidAlone(labels);
  if (rows < 4) {
    return Invalid("there are " + std::to_string(rows) +
                   " rows to learn from, and folds need at least 4");
  }
  std::size_t most = rows / 2;
  if (!labels.group.empty()) {
    auto groups = labels.group;
    std::sort(groups.begin(), groups.end());
    most = std::size_t(std::unique(groups.begin(), groups.end()) - groups.begin());
    if (most < 2) {
      return Invalid(
          "all rows are of one group, so that none can be held out; make folds by rows (no column "
          "with the role group)");
    }
  }
  const auto parts =
      std::uint32_t(std::min<std::size_t>(most, std::size_t(folds == 0 ? kFolds : folds)));
  const std::size_t repeats = !repeat || rows >= kSmall ? 1 : rows >= kVerySmall ? 2 : 3;
  FoldPlan plan;
  plan.a_repeat = parts;
  plan.folds.resize(parts * repeats);
  for (std::size_t n = 0; n < repeats; ++n) {
    const auto part =
        SpreadRows(labels.y, labels.classification(), labels.group, parts, Draw(seed, n));
    for (std::uint32_t p = 0; p < parts; ++p) {
      Fold& fold = plan.folds[n * parts + p];
      for (std::size_t r = 0; r < rows; ++r) {
        (part[r] == p ? fold.held_out : fold.train).push_back(std::uint32_t(r));
      }
    }
  }
  plan.why = "candidates are judged by " + std::to_string(parts) + " folds over " +
             std::to_string(rows) + " rows" +
             (repeats > 1 ? ", " + std::to_string(repeats) + " times" : "");
  return plan;
}

}  // namespace penstock::train
