#include "components/audit/leakage/group_mean.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "components/audit/leakage/least_squares.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kMostPairs = 200;
constexpr std::size_t kMostGroups = 1'000'000;
constexpr std::int64_t kLeastGroups = 3;
constexpr double kExact = 1e-6;

// Per group of the sampled rows: is the column one value, or on a line with the label?
struct Within {
  double n = 0, first = kNull, f = 0, y = 0, ff = 0, fy = 0, yy = 0;
  bool is_constant = true;
};

bool IsOnALine(const Within& w) {
  const double vf = w.ff - w.f * w.f / w.n;
  const double vy = w.yy - w.y * w.y / w.n;
  const double c = w.fy - w.f * w.y / w.n;
  return c < 0 && c * c >= (1 - 1e-6) * vf * vy;
}

// |correlation| of the columns' values in the groups with the label's means, by rows.
double MovesWithMeans(const std::vector<Within>& groups) {
  double n = 0, f = 0, y = 0;
  for (const auto& w : groups) n += w.n, f += w.f, y += w.y;
  double ff = 0, fy = 0, yy = 0;
  for (const auto& w : groups) {
    if (w.n == 0) continue;
    const double df = w.f / w.n - f / n;
    const double dy = w.y / w.n - y / n;
    ff += w.n * df * df, fy += w.n * df * dy, yy += w.n * dy * dy;
  }
  return ff > 0 && yy > 0 ? std::abs(fy) / std::sqrt(ff * yy) : 0;
}

bool IsPossible(const TableColumn& column, const Levels& levels, const Target& target,
                const std::vector<double>& label) {
  std::vector<Within> groups(levels.levels);
  for (std::size_t r = 0; r < label.size(); ++r) {
    const double f = column.numbers[r];
    const double y = label[r];
    if (!target.IsKnown(r) || f != f) continue;
    Within& w = groups[levels.codes[r]];
    if (w.n == 0) w.first = f;
    w.is_constant &= f == w.first;
    const double df = f - w.first;  // of small numbers the squares are exact
    w.n += 1, w.f += f, w.y += y, w.yy += y * y;
    w.ff += df * df, w.fy += df * y;
  }
  bool all_constant = true;
  bool all_lines = true;
  for (auto& w : groups) {
    if (w.n < 2) continue;
    Within shifted = w;
    shifted.f = w.f - w.n * w.first;
    all_constant &= w.is_constant;
    all_lines &= w.is_constant || IsOnALine(shifted);
  }
  return (all_constant || all_lines) && MovesWithMeans(groups) >= 0.5;
}

// The label as numbers: of a classification each class against the rest.
std::vector<std::vector<double>> LabelsAsNumbers(const Target& target) {
  if (!target.classification) return {target.values};
  constexpr std::size_t kMostClassesLookedAt = 20;
  std::vector<std::vector<double>> labels;
  const std::size_t first = target.width() == 2 ? 1 : 0;
  for (std::size_t k = first; k < std::min(target.width(), kMostClassesLookedAt); ++k) {
    auto& label = labels.emplace_back(target.values);
    for (double& y : label) y = y != y ? 0 : (y == double(k) ? 1 : 0);
  }
  return labels;
}

// Sums of one group over all rows.
struct Sums {
  double n = 0, y = 0, yy = 0, f = 0, ff = 0, fy = 0, first = 0;
  bool is_constant = true;
};
using Groups = std::unordered_map<std::uint64_t, Sums>;

bool Near(double a, double b, double scale) {
  return std::abs(a - b) <= kExact * (std::abs(scale) + 1e-300);
}

// Does "smoothed" hold: n f - sum y = m (p - f), a line over the groups?
bool IsSmoothed(const Groups& groups) {
  std::vector<std::vector<double>> f(1);
  std::vector<double> rest;
  double scale = 0;
  for (const auto& [key, s] : groups) {
    f[0].push_back(s.first);
    rest.push_back(s.n * s.first - s.y);
    scale = std::max({scale, std::abs(s.n * s.first), std::abs(s.y)});
  }
  if (groups.size() < 10) return false;
  const auto fit = FitColumns(f, rest);
  if (!fit || fit->weights[0] >= 0) return false;  // m is above 0
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (std::abs(fit->constant + fit->weights[0] * f[0][i] - rest[i]) > kExact * scale)
      return false;
  }
  return true;
}

const char* KindOf(const Groups& groups) {
  double rows = 0;
  bool mean = true;
  bool others = true;
  bool constant = true;
  double some_spread = 0;
  for (const auto& [key, s] : groups) {
    rows += s.n;
    constant = constant && s.is_constant;
    const double scale = std::sqrt(s.n * s.yy) + std::abs(s.y);
    mean = mean && s.is_constant && Near(s.n * s.first, s.y, scale);
    // The three sums that (y - y_i) / (n - 1) has over a group.
    if (s.n < 2) continue;
    const double k = s.n - 1;
    others = others && Near(s.f, s.y, scale) && Near(s.fy * k, s.y * s.y - s.yy, scale * scale) &&
             Near(s.ff * k * k, (s.n - 2) * s.y * s.y + s.yy, s.n * scale * scale);
    some_spread = std::max(some_spread, s.n * s.yy - s.y * s.y);
  }
  if (std::int64_t(groups.size()) < kLeastGroups || rows < 2 * double(groups.size()))
    return nullptr;
  if (mean) return "mean";
  if (others && some_spread > 0) return "mean of the others";
  if (constant && IsSmoothed(groups)) return "smoothed mean";
  return nullptr;
}

// Labels of a part as numbers, as the target counts them.
class LabelReader {
 public:
  explicit LabelReader(const Target& target) : target_(target) {}

  // NaN for null; the class's number of a class; -1 for a class that the target does not have.
  [[nodiscard]] double Read(const sdk::Cell& cell) const {
    if (cell.index() == 0) return kNull;
    if (!target_.classification) return Number(cell);
    const std::string text = Text(cell);
    const auto at = std::find(target_.classes.begin(), target_.classes.end(), text);
    return at == target_.classes.end() ? -1 : double(at - target_.classes.begin());
  }
  static double Number(const sdk::Cell& cell) {
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return double(*integer);
    if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? 1 : 0;
    const auto* real = std::get_if<double>(&cell);
    return real != nullptr && std::isfinite(*real) ? *real : kNull;
  }

 private:
  static std::string Text(const sdk::Cell& cell) {
    const auto* text = std::get_if<std::string_view>(&cell);
    return text != nullptr ? std::string(text->substr(0, 100)) : sdk::CellToText(cell);
  }
  const Target& target_;
};

// What a pair's columns hold in each group, of each class asked for.
struct PairSums {
  std::vector<Groups> of_class;
  bool too_many = false;
};

void AddRow(std::uint64_t group, double f, double y, Groups* groups) {
  const auto [at, is_new] = groups->try_emplace(group);
  Sums& s = at->second;
  if (is_new) s.first = f;
  s.is_constant = s.is_constant && f == s.first;
  s.n += 1, s.y += y, s.yy += y * y, s.f += f, s.ff += f * f, s.fy += f * y;
}

Result<void> ReadPair(const std::string& part, const GroupPair& pair, const Target& target,
                      const std::vector<double>& classes, PairSums* sums) {
  const LabelReader reader(target);
  std::vector<std::string> names{pair.column, target.column};
  if (pair.group != pair.column) names.push_back(pair.group);
  return sdk::ForEachBatch(part, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, pair.column));
    PENSTOCK_ASSIGN(const auto label, sdk::FindColumn(batch, target.column));
    PENSTOCK_ASSIGN(const auto groups, sdk::HashRows(batch, {pair.group}, 0));
    for (std::int64_t r = 0; r < batch.num_rows() && !sums->too_many; ++r) {
      const double f = LabelReader::Number(CellAt(column, r));
      const double y = reader.Read(CellAt(label, r));
      if (f != f || y != y) continue;
      for (std::size_t k = 0; k < classes.size(); ++k) {
        const double value = target.classification ? (y == classes[k] ? 1.0 : 0.0) : y;
        AddRow(groups[std::size_t(r)], f, value, &sums->of_class[k]);
        sums->too_many |= sums->of_class[k].size() > kMostGroups / classes.size();
      }
    }
    return {};
  });
}

std::vector<double> ClassesAskedFor(const Target& target) {
  if (!target.classification) return {0};
  if (target.width() == 2) return {1};
  std::vector<double> classes;
  for (std::size_t k = 0; k < std::min<std::size_t>(target.width(), 20); ++k) {
    classes.push_back(double(k));
  }
  return classes;
}

}  // namespace

std::vector<GroupPair> GroupPairsOf(const Table& table, const Target& target,
                                    const std::vector<std::string>& skip) {
  const auto labels = LabelsAsNumbers(target);
  const auto is_skipped = [&](const TableColumn& c) {
    return c.name == target.column || c.role == sdk::Role::kIgnored ||
           std::find(skip.begin(), skip.end(), c.name) != skip.end();
  };
  std::vector<GroupPair> pairs;
  for (const auto& group : table.columns) {
    // Values that hardly repeat group nothing.
    if (group.name == target.column || group.distinct < 2 ||
        std::size_t(group.distinct) * 2 > group.rows()) {
      continue;
    }
    const Levels levels = LevelsOf(group);
    for (const auto& column : table.columns) {
      if (column.text() || is_skipped(column) || column.distinct < kLeastGroups) continue;
      if (pairs.size() == kMostPairs) return pairs;
      const bool is_possible =
          std::any_of(labels.begin(), labels.end(), [&](const std::vector<double>& label) {
            return IsPossible(column, levels, target, label);
          });
      if (is_possible) pairs.push_back({column.name, group.name});
    }
  }
  return pairs;
}

Result<std::vector<GroupMean>> GroupMeansOf(const std::vector<std::string>& parts,
                                            const std::vector<GroupPair>& pairs,
                                            const Target& target) {
  const auto classes = ClassesAskedFor(target);
  std::vector<GroupMean> found;
  for (const auto& pair : pairs) {
    const bool is_known = std::any_of(found.begin(), found.end(), [&](const GroupMean& g) {
      return g.column == pair.column;  // one group of it is enough
    });
    if (is_known) continue;
    PairSums sums;
    sums.of_class.resize(classes.size());
    for (const auto& part : parts) {  // after the first, then after all
      PENSTOCK_TRY(ReadPair(part, pair, target, classes, &sums));
      if (sums.too_many) break;
      if (&part != &parts.front() && &part != &parts.back()) continue;
      for (std::size_t k = 0; k < classes.size(); ++k) {
        const char* kind = KindOf(sums.of_class[k]);
        if (kind == nullptr) continue;
        found.push_back(
            {pair.column, pair.group,
             target.classification ? target.classes[std::size_t(classes[k])] : std::string(), kind,
             std::int64_t(sums.of_class[k].size())});
        break;
      }
      if (!found.empty() && found.back().column == pair.column) break;
    }
  }
  return found;
}

}  // namespace penstock::audit
