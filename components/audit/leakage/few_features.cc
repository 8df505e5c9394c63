#include "components/audit/leakage/few_features.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "components/audit/leakage/dependence.h"
#include "components/audit/leakage/least_squares.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kMostCombined = 40;
constexpr std::size_t kLeastRows = 30;
constexpr std::size_t kScreenRows = 5000;
constexpr std::size_t kMostPaired = 60;
constexpr std::size_t kPairRows = 20'000;

bool IsCandidate(const TableColumn& column, const Target& target,
                 const std::vector<std::string>& skip) {
  return column.name != target.column && column.role != sdk::Role::kIgnored &&
         column.role != sdk::Role::kId && column.distinct >= 2 &&
         std::find(skip.begin(), skip.end(), column.name) == skip.end();
}

// Standardised columns of the rows that are looked at first; a null is the mean.
struct Screen {
  std::vector<const TableColumn*> columns;
  std::vector<double> correlation;  // columns x columns
  std::vector<double> with_label;

  [[nodiscard]] std::size_t size() const { return columns.size(); }
};

double Value(double x, bool logarithm) {
  if (!logarithm) return x;
  return x > 0 ? std::log(x) : kNull;
}

std::vector<double> Standardised(const std::vector<double>& values,
                                 const std::vector<std::size_t>& rows, bool logarithm) {
  std::vector<double> out;
  double mean = 0;
  double n = 0;
  for (const std::size_t r : rows) {
    out.push_back(Value(values[r], logarithm));
    if (out.back() == out.back()) mean += out.back(), n += 1;
  }
  mean /= std::max(1.0, n);
  double squares = 0;
  for (double& v : out) {
    v = v == v ? v - mean : 0;
    squares += v * v;
  }
  for (double& v : out) v = squares > 0 ? v / std::sqrt(squares) : 0;
  return out;
}

double Product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// At least nine in ten of the values can stand where they are (above 0 for logarithms).
bool IsUsable(const TableColumn& column, bool logarithm) {
  if (column.text() || column.type == sdk::ColumnType::kBool) return false;
  std::size_t usable = 0;
  for (const double x : column.numbers) usable += x == x && (!logarithm || x > 0) ? 1 : 0;
  return usable * 10 >= column.numbers.size() * 9;
}

Screen ScreenOf(const Table& table, const Target& target, const std::vector<std::string>& skip,
                bool logarithm) {
  std::vector<std::size_t> rows;
  for (std::size_t r = 0; r < target.values.size() && rows.size() < kScreenRows; ++r) {
    if (target.IsKnown(r)) rows.push_back(r);
  }
  const auto label = Standardised(target.values, rows, logarithm);
  struct Candidate {
    const TableColumn* column;
    std::vector<double> values;
    double with_label;
  };
  std::vector<Candidate> all;
  for (const auto& column : table.columns) {
    if (!IsCandidate(column, target, skip) || !IsUsable(column, logarithm)) continue;
    auto values = Standardised(column.numbers, rows, logarithm);
    const double with_label = Product(values, label);
    all.push_back({&column, std::move(values), with_label});
  }
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return std::abs(a.with_label) > std::abs(b.with_label);
  });
  if (all.size() > kMostCombined) all.resize(kMostCombined);
  Screen screen;
  for (const auto& a : all) {
    screen.columns.push_back(a.column);
    screen.with_label.push_back(a.with_label);
    for (const auto& b : all) screen.correlation.push_back(Product(a.values, b.values));
  }
  return screen;
}

// 1 - R2 of standardised columns by their correlations alone; nearly equal columns count as one.
double Unexplained(const Screen& screen, const std::vector<std::size_t>& chosen) {
  const std::size_t n = chosen.size();
  std::vector<double> a;
  std::vector<double> b;
  for (const std::size_t i : chosen) {
    b.push_back(screen.with_label[i]);
    for (const std::size_t j : chosen) a.push_back(screen.correlation[i * screen.size() + j]);
  }
  const auto weights = SolveSymmetric(std::move(a), b, n);
  if (!weights) return 1;
  double left = 1;
  for (std::size_t i = 0; i < n; ++i) left -= (*weights)[i] * b[i];
  return left;
}

// On all rows that have no null among the columns.
std::optional<Combination> Verified(const Screen& screen, const std::vector<std::size_t>& chosen,
                                    const Target& target, bool logarithms) {
  std::vector<std::vector<double>> columns(chosen.size());
  std::vector<double> y;
  std::size_t known = 0;
  for (std::size_t r = 0; r < target.values.size(); ++r) {
    known += target.IsKnown(r) ? 1 : 0;
    const double label = Value(target.values[r], logarithms);
    bool complete = label == label;
    for (const std::size_t i : chosen) {
      const double v = Value(screen.columns[i]->numbers[r], logarithms);
      complete = complete && v == v;
    }
    if (!complete) continue;
    y.push_back(label);
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      columns[k].push_back(Value(screen.columns[chosen[k]]->numbers[r], logarithms));
    }
  }
  if (y.size() < kLeastRows || y.size() * 2 < known) return std::nullopt;
  const auto fit = FitColumns(columns, y);
  if (!fit) return std::nullopt;
  Combination combination;
  combination.logarithms = logarithms;
  combination.unexplained = fit->unexplained;
  combination.weights = fit->weights;
  for (const std::size_t i : chosen) combination.columns.push_back(screen.columns[i]->name);
  return combination;
}

std::optional<Combination> BestOf(const Table& table, const Target& target,
                                  const std::vector<std::string>& skip, bool logarithms,
                                  double most_unexplained) {
  const Screen screen = ScreenOf(table, target, skip, logarithms);
  constexpr double kWorthALook = 0.02;  // the screen fills nulls and looks at some rows only
  for (std::size_t size = 2; size <= 3; ++size) {
    std::optional<Combination> best;
    const auto look = [&](const std::vector<std::size_t>& chosen) {
      if (Unexplained(screen, chosen) > kWorthALook) return;
      auto found = Verified(screen, chosen, target, logarithms);
      if (!found || found->unexplained > most_unexplained) return;
      if (!best || found->unexplained < best->unexplained) best = std::move(found);
    };
    for (std::size_t i = 0; i < screen.size(); ++i) {
      for (std::size_t j = i + 1; j < screen.size(); ++j) {
        if (size == 2) look({i, j});
        for (std::size_t k = j + 1; size == 3 && k < screen.size(); ++k) look({i, j, k});
      }
    }
    if (best) return best;
  }
  return std::nullopt;
}

struct Discrete {
  const TableColumn* column;
  Levels levels;
};

}  // namespace

std::vector<Combination> CombinationsOf(const Table& table, const Target& target,
                                        const std::vector<std::string>& skip,
                                        double most_unexplained) {
  std::vector<Combination> found;
  if (target.classification) return found;
  if (auto sum = BestOf(table, target, skip, false, most_unexplained)) {
    found.push_back(*std::move(sum));
  }
  const bool positive = std::all_of(target.values.begin(), target.values.end(),
                                    [](double y) { return y != y || y > 0; });
  if (!positive) return found;
  if (auto product = BestOf(table, target, skip, true, most_unexplained)) {
    found.push_back(*std::move(product));
  }
  return found;
}

std::vector<PurePair> PurePairsOf(const Table& table, const Target& target,
                                  const std::vector<std::string>& skip, double log10_chance) {
  std::vector<PurePair> found;
  if (!target.classification) return found;
  std::vector<Discrete> columns;
  for (const auto& column : table.columns) {
    if (!IsCandidate(column, target, skip) || column.distinct > 1000) continue;
    if (columns.size() < kMostPaired) columns.push_back({&column, LevelsOf(column)});
  }
  const std::size_t rows = std::min(kPairRows, target.values.size());
  const std::span<const double> classes(target.values.data(), rows);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t j = i + 1; j < columns.size(); ++j) {
      std::unordered_map<std::uint64_t, std::uint32_t> numbers;
      std::vector<std::uint32_t> codes;
      for (std::size_t r = 0; r < rows; ++r) {
        const std::uint64_t key =
            std::uint64_t(columns[i].levels.codes[r]) << 32 | columns[j].levels.codes[r];
        codes.push_back(numbers.try_emplace(key, std::uint32_t(numbers.size())).first->second);
      }
      const auto cells = std::uint32_t(numbers.size());
      const auto chance = PurityChance(codes, cells, classes);
      if (!chance || *chance > log10_chance) continue;
      found.push_back({columns[i].column->name, columns[j].column->name, cells, *chance});
    }
  }
  return found;
}

}  // namespace penstock::audit
