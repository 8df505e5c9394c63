#include "components/audit/rows/parts_agree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "components/sdk/delong.h"

namespace penstock::audit {
namespace {

constexpr double kSignificance = 0.01;
constexpr double kEffect = 0.1;
constexpr std::size_t kValues = 50;

std::vector<double> SortedWithNulls(const TableColumn& column) {
  std::vector<double> values = column.numbers;
  for (double& x : values) {
    if (x != x) x = -std::numeric_limits<double>::infinity();
  }
  std::sort(values.begin(), values.end());
  return values;
}

double KolmogorovSmirnov(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    most = std::max(most, std::abs(double(i) / double(a.size()) - double(j) / double(b.size())));
  }
  return most;
}

Disagreement OfNumbers(const TableColumn& a, const TableColumn& b) {
  const double d = KolmogorovSmirnov(SortedWithNulls(a), SortedWithNulls(b));
  const auto na = double(a.rows());
  const auto nb = double(b.rows());
  return {a.name, "KS", d, KolmogorovTail(d * std::sqrt(na * nb / (na + nb)))};
}

// Rows of each value by its text; beyond the shown ones all are the rest.
std::map<std::string, double> CountsOf(const TableColumn& column) {
  const Levels levels = LevelsOf(column);
  std::vector<double> counts(levels.levels);
  for (const auto code : levels.codes) counts[code] += 1;
  std::map<std::string, double> by_text;
  for (std::uint32_t l = 0; l < levels.levels; ++l) {
    const bool null = levels.has_null && l + 1 == levels.levels;
    const bool shown = null || !column.text() || l < column.values.size();
    by_text[null    ? "\x01null"
            : shown ? "=" + LevelText(column, levels, l)
                    : "\x01rest"] += counts[l];
  }
  return by_text;
}

Disagreement OfValues(const TableColumn& a, const TableColumn& b) {
  const auto of_a = CountsOf(a);
  const auto of_b = CountsOf(b);
  std::set<std::string> names;
  for (const auto& [name, count] : of_a) names.insert(name);
  for (const auto& [name, count] : of_b) names.insert(name);
  const auto count = [](const std::map<std::string, double>& of, const std::string& name) {
    const auto at = of.find(name);
    return at == of.end() ? 0.0 : at->second;
  };
  std::vector<std::string> order(names.begin(), names.end());
  std::stable_sort(order.begin(), order.end(), [&](const auto& x, const auto& y) {
    return count(of_a, x) + count(of_b, x) > count(of_a, y) + count(of_b, y);
  });
  std::vector<std::pair<double, double>> cells(std::min(order.size(), kValues + 1));
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto& cell = cells[std::min(i, kValues)];
    cell.first += count(of_a, order[i]);
    cell.second += count(of_b, order[i]);
  }
  const auto na = double(a.rows());
  const auto nb = double(b.rows());
  double chi = 0;
  double variation = 0;
  for (const auto& [x, y] : cells) {
    const double expected = (x + y) / (na + nb);
    chi += std::pow(x - expected * na, 2) / (expected * na) +
           std::pow(y - expected * nb, 2) / (expected * nb);
    variation += std::abs(x / na - y / nb) / 2;
  }
  return {a.name, "total variation", variation, ChiSquaredTail(chi, double(cells.size()) - 1)};
}

// Holm, Scandinavian Journal of Statistics 6 (1979).
void AdjustByHolm(std::vector<Disagreement>* tests) {
  std::sort(tests->begin(), tests->end(),
            [](const auto& a, const auto& b) { return a.p_value < b.p_value; });
  double before = 0;
  for (std::size_t i = 0; i < tests->size(); ++i) {
    double& p = (*tests)[i].p_value;
    before = p = std::max(before, std::min(1.0, p * double(tests->size() - i)));
  }
}

}  // namespace

double KolmogorovTail(double x) {
  if (x < 0.2) return 1;
  double sum = 0;
  for (int k = 1; k <= 100; ++k) {
    const double term = std::exp(-2.0 * k * k * x * x);
    sum += k % 2 == 1 ? term : -term;
    if (term < 1e-16) break;
  }
  return std::clamp(2 * sum, 0.0, 1.0);
}

double ChiSquaredTail(double x, double freedom) {
  if (freedom < 1) return 1;
  const double v = 2 / (9 * freedom);
  return sdk::StudentTail((std::cbrt(x / freedom) - (1 - v)) / std::sqrt(v), 1'000'000);
}

std::vector<Disagreement> DisagreementsOf(const Table& a, const Table& b) {
  std::vector<Disagreement> tests;
  for (const auto& column : a.columns) {
    const TableColumn* other = b.Find(column.name);
    using sdk::Role;
    // A time differs where the split is by time; ids differ by nature.
    if (other == nullptr || other->type != column.type || column.role == Role::kId ||
        column.role == Role::kIgnored || column.role == Role::kTime) {
      continue;
    }
    const bool values = column.text() || column.type == sdk::ColumnType::kBool;
    tests.push_back(values ? OfValues(column, *other) : OfNumbers(column, *other));
  }
  AdjustByHolm(&tests);
  std::erase_if(tests, [](const Disagreement& d) {
    return d.p_value >= kSignificance || d.effect < kEffect;
  });
  std::stable_sort(tests.begin(), tests.end(),
                   [](const auto& x, const auto& y) { return x.effect > y.effect; });
  return tests;
}

void SayDisagreements(const std::vector<Disagreement>& found, const std::string& label,
                      Findings* findings) {
  for (const auto& d : found) {
    findings->Add({"partsDisagree",
                   Severity::kWarning,
                   d.column,
                   std::string(d.column == label ? "the label " : "column ") + Quoted(d.column) +
                       " is otherwise in valid than in test (" + d.statistic + " " +
                       Short(d.effect) + ", adjusted p " + Short(d.p_value) +
                       "): a model chosen on valid may be another on test",
                   {{"statistic", d.statistic}, {"effect", d.effect}, {"pValue", d.p_value}}});
  }
}

}  // namespace penstock::audit
