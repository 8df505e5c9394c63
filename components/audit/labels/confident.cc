#include "components/audit/labels/confident.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace penstock::audit {
namespace {

constexpr double kReach = 1e-6;           // a threshold is reached from so much below
constexpr double kLeastThreshold = 2e-6;  // so that a probability of 0 reaches none
constexpr double kOfNoRow = 2;            // a class without rows is never reached

std::uint32_t Likeliest(std::span<const double> row) {
  return std::uint32_t(std::max_element(row.begin(), row.end()) - row.begin());
}

std::vector<double> ThresholdsOf(std::span<const double> probabilities,
                                 std::span<const std::uint32_t> labels, std::size_t classes) {
  std::vector<double> sums(classes);
  std::vector<double> rows(classes);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    sums[labels[r]] += probabilities[r * classes + labels[r]];
    rows[labels[r]] += 1;
  }
  for (std::size_t k = 0; k < classes; ++k) {
    sums[k] = rows[k] > 0 ? std::max(kLeastThreshold, sums[k] / rows[k]) : kOfNoRow;
  }
  return sums;
}

// The nearest whole numbers that have the same (rounded) sum: those that rounding moved farthest
// against the difference are moved by one; of equals the last goes up first, the first down.
std::vector<std::int64_t> RoundedInSum(const std::vector<double>& values) {
  std::vector<std::int64_t> rounded;
  double sum = 0;
  std::int64_t got = 0;
  for (const double v : values) {
    rounded.push_back(std::int64_t(std::nearbyint(v)));  // of halves the even one
    sum += v;
    got += rounded.back();
  }
  const auto wanted = std::int64_t(std::nearbyint(sum));
  const std::int64_t step = wanted > got ? 1 : -1;
  std::vector<std::size_t> order(values.size());
  while (got != wanted) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const double moved_a = double(step) * (values[a] - double(rounded[a]));
      const double moved_b = double(step) * (values[b] - double(rounded[b]));
      return moved_a != moved_b ? moved_a > moved_b : step > 0 && a > b;
    });
    for (const std::size_t i : order) {
      if (got == wanted) break;
      rounded[i] += step;
      got += step;
    }
  }
  return rounded;
}

// Each row of the counts scaled to the rows that the class has.
std::vector<std::vector<std::int64_t>> Calibrated(
    const std::vector<std::vector<std::int64_t>>& counts, std::span<const std::uint32_t> labels) {
  std::vector<double> rows(counts.size());
  for (const auto label : labels) rows[label] += 1;
  std::vector<std::vector<std::int64_t>> joint;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double sum = double(std::accumulate(counts[i].begin(), counts[i].end(), std::int64_t{0}));
    std::vector<double> scaled;
    for (const auto count : counts[i]) scaled.push_back(double(count) / sum * rows[i]);
    joint.push_back(RoundedInSum(scaled));
  }
  return joint;
}

// How many rows of class `given` are pruned for each other class: at least one row is kept, at the
// cost of the others in equal parts.
std::vector<std::int64_t> ToPrune(const std::vector<std::int64_t>& joint, std::size_t given) {
  std::vector<std::int64_t> prune = joint;
  if (joint[given] >= 1) return prune;
  const auto others = std::count_if(joint.begin(), joint.end(), [](auto n) { return n != 0; });
  const double less = double(1 - joint[given]) / std::max(1.0, double(others) - 1);
  for (auto& n : prune) n = std::int64_t(std::max(0.0, double(n) - less));
  return prune;
}

}  // namespace

ConfidentJoint ConfidentJointOf(std::span<const double> probabilities,
                                std::span<const std::uint32_t> labels, std::size_t classes) {
  ConfidentJoint joint;
  joint.thresholds = ThresholdsOf(probabilities, labels, classes);
  joint.counts.assign(classes, std::vector<std::int64_t>(classes));
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const auto row = probabilities.subspan(r * classes, classes);
    std::size_t reached = 0;
    std::size_t first = 0;
    for (std::size_t k = classes; k-- > 0;) {
      if (row[k] < joint.thresholds[k] - kReach) continue;
      ++reached;
      first = k;
    }
    if (reached == 0) continue;
    ++joint.counts[labels[r]][reached == 1 ? first : Likeliest(row)];
  }
  for (std::size_t k = 0; k < classes; ++k) {
    joint.counts[k][k] = std::max<std::int64_t>(1, joint.counts[k][k]);
  }
  joint.joint = Calibrated(joint.counts, labels);
  return joint;
}

std::vector<LabelIssue> LabelIssuesOf(std::span<const double> probabilities,
                                      std::span<const std::uint32_t> labels, std::size_t classes) {
  const auto joint = ConfidentJointOf(probabilities, labels, classes);
  std::vector<std::vector<std::size_t>> of_class(classes);
  for (std::size_t r = 0; r < labels.size(); ++r) of_class[labels[r]].push_back(r);
  std::set<std::size_t> pruned;
  for (std::size_t i = 0; i < classes; ++i) {
    if (of_class[i].size() < 2) continue;
    const auto prune = ToPrune(joint.joint[i], i);
    for (std::size_t j = 0; j < classes; ++j) {
      if (j == i || prune[j] <= 0) continue;
      const auto margin = [&](std::size_t r) {
        return probabilities[r * classes + j] - probabilities[r * classes + i];
      };
      auto rows = of_class[i];
      std::stable_sort(rows.begin(), rows.end(),
                       [&](std::size_t a, std::size_t b) { return margin(a) > margin(b); });
      rows.resize(std::min(rows.size(), std::size_t(prune[j])));
      pruned.insert(rows.begin(), rows.end());
    }
  }
  std::vector<LabelIssue> issues;
  for (const std::size_t r : pruned) {
    const auto row = probabilities.subspan(r * classes, classes);
    const std::uint32_t likely = Likeliest(row);
    if (row[labels[r]] + kReach >= row[likely]) continue;  // as good as the likeliest
    issues.push_back({r, labels[r], likely, row[labels[r]]});
  }
  std::stable_sort(issues.begin(), issues.end(),
                   [](const auto& a, const auto& b) { return a.quality < b.quality; });
  return issues;
}

}  // namespace penstock::audit
