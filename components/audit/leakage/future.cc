#include "components/audit/leakage/future.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/audit/leakage/least_squares.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kSteps = 30;
constexpr std::size_t kLeastMoments = 150;
constexpr std::size_t kMostMoments = 5'000;  // the first; some 3 MB of regressors

// Rows of one group and time, as one.
struct Moment {
  std::uint32_t group = 0;
  double time = 0;
  double label = 0;
  std::vector<std::size_t> rows;
};

std::vector<Moment> MomentsOf(const Target& target, const TableColumn& time, const Levels* groups) {
  std::vector<std::size_t> order;
  for (std::size_t r = 0; r < target.values.size(); ++r) {
    if (target.IsKnown(r) && !time.IsNull(r)) order.push_back(r);
  }
  const auto group_of = [&](std::size_t r) { return groups == nullptr ? 0 : groups->codes[r]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return group_of(a) != group_of(b) ? group_of(a) < group_of(b)
                                      : time.numbers[a] < time.numbers[b];
  });
  std::vector<Moment> moments;
  for (const std::size_t r : order) {
    if (moments.empty() || moments.back().group != group_of(r) ||
        moments.back().time != time.numbers[r]) {
      moments.push_back({group_of(r), time.numbers[r], 0, {}});
    }
    moments.back().rows.push_back(r);
  }
  for (auto& moment : moments) {
    for (const std::size_t r : moment.rows) {
      moment.label += target.values[r] / double(moment.rows.size());
    }
  }
  return moments;
}

// The labels around a moment: those of the step itself and of kSteps in one direction, then the
// mean, sum and count of all in that direction, within the group [begin, end).
struct Around {
  std::vector<std::vector<double>> columns{kSteps + 4};
};

void AddAround(const std::vector<Moment>& moments, const std::vector<double>& sums,
               std::size_t begin, std::size_t end, std::size_t at, int direction, Around* around) {
  for (std::size_t k = 0; k <= kSteps; ++k) {
    const std::size_t other = direction > 0 ? at + k : at - k;
    around->columns[k].push_back(moments[other].label);
  }
  const double count = direction > 0 ? double(end - at - 1) : double(at - begin);
  const double sum = direction > 0 ? sums[end] - sums[at + 1] : sums[at] - sums[begin];
  around->columns[kSteps + 1].push_back(sum / count);
  around->columns[kSteps + 2].push_back(sum);
  around->columns[kSteps + 3].push_back(count);
}

// Moments with kSteps of their group on either side, and the labels around each.
struct Design {
  std::vector<std::size_t> moments;
  Around after;
  Around before;
};

Design DesignOf(const std::vector<Moment>& moments) {
  std::vector<double> sums{0};
  for (const auto& moment : moments) sums.push_back(sums.back() + moment.label);
  Design design;
  for (std::size_t begin = 0; begin < moments.size();) {
    std::size_t end = begin;
    while (end < moments.size() && moments[end].group == moments[begin].group) ++end;
    for (std::size_t at = begin + kSteps; at + kSteps < end; ++at) {
      if (design.moments.size() == kMostMoments) return design;
      design.moments.push_back(at);
      AddAround(moments, sums, begin, end, at, 1, &design.after);
      AddAround(moments, sums, begin, end, at, -1, &design.before);
    }
    begin = end;
  }
  return design;
}

double MeanAt(const TableColumn& column, const Moment& moment) {
  double sum = 0;
  double n = 0;
  for (const std::size_t r : moment.rows) {
    if (!column.IsNull(r)) sum += column.numbers[r], n += 1;
  }
  return n > 0 ? sum / n : kNull;
}

double Explained(const Around& around, const std::vector<std::size_t>& kept,
                 const std::vector<double>& values) {
  std::vector<std::vector<double>> columns;
  for (const auto& column : around.columns) {
    auto& some = columns.emplace_back();
    for (const std::size_t i : kept) some.push_back(column[i]);
  }
  const auto fit = FitColumns(columns, values);
  if (!fit) return 0;
  const double n = double(values.size());
  return 1 - fit->unexplained * (n - 1) / (n - double(columns.size()) - 1);
}

}  // namespace

std::vector<Future> FutureOf(const Table& table, const Target& target, const std::string& time,
                             const std::string& group) {
  const TableColumn* times = table.Find(time);
  if (times == nullptr || times->text()) return {};
  const TableColumn* grouped = group.empty() ? nullptr : table.Find(group);
  const Levels levels = grouped != nullptr ? LevelsOf(*grouped) : Levels{};
  const auto moments = MomentsOf(target, *times, grouped != nullptr ? &levels : nullptr);
  const Design design = DesignOf(moments);
  std::vector<Future> found;
  if (design.moments.size() < kLeastMoments) return found;
  for (const auto& column : table.columns) {
    if (column.text() || column.name == target.column || column.name == time ||
        column.distinct < 10 || column.role == sdk::Role::kIgnored) {
      continue;
    }
    std::vector<std::size_t> kept;
    std::vector<double> values;
    for (std::size_t i = 0; i < design.moments.size(); ++i) {
      const double value = MeanAt(column, moments[design.moments[i]]);
      if (value == value) kept.push_back(i), values.push_back(value);
    }
    if (kept.size() < kLeastMoments || kept.size() * 2 < design.moments.size()) continue;
    found.push_back({column.name, Explained(design.after, kept, values),
                     Explained(design.before, kept, values), std::int64_t(kept.size())});
  }
  return found;
}

}  // namespace penstock::audit
