#include "components/audit/leakage/leakage.h"

#include <algorithm>
#include <cmath>

#include "components/audit/leakage/alone.h"
#include "components/audit/leakage/availability.h"
#include "components/audit/leakage/few_features.h"
#include "components/audit/leakage/future.h"
#include "components/audit/leakage/group_mean.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

bool IsFeature(const TableColumn& column, const Target& target) {
  using sdk::Role;
  return column.name != target.column && column.role != Role::kIgnored &&
         column.role != Role::kLabel && column.role != Role::kId;
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + Quoted(name);
  return text;
}

// Names of columns that were found to leak.
std::vector<std::string> CheckColumns(const Table& table, const Target& target,
                                      const LeakageOptions& options,
                                      std::vector<ColumnStrength>* strengths, Findings* findings) {
  std::vector<std::string> leaks;
  for (const auto& column : table.columns) {
    if (!IsFeature(column, target)) continue;
    const auto strength = StrengthOf(column, target, options.confidence);
    if (strength) strengths->push_back({column.name, *strength});
    auto finding = FindingOfColumn(column, target, strength, table.columns.size(), options);
    if (!finding) continue;
    if (finding->severity == Severity::kError) leaks.push_back(column.name);
    findings->Add(*std::move(finding));
  }
  std::stable_sort(strengths->begin(), strengths->end(), [](const auto& a, const auto& b) {
    return a.strength.value > b.strength.value;
  });
  return leaks;
}

void CheckCombinations(const Table& table, const Target& target,
                       const std::vector<std::string>& leaks, const LeakageOptions& options,
                       Findings* findings) {
  constexpr double kExact = 1e-6;  // of the variance: rounding, and no noise
  constexpr double kNearly = 1e-3;
  for (const auto& c : CombinationsOf(table, target, leaks, kNearly)) {
    const bool exact = c.unexplained <= kExact;
    findings->Add({"fewFeatures",
                   exact ? Severity::kError : Severity::kWarning,
                   Join(c.columns),
                   "the label is " + std::string(exact ? "" : "nearly ") +
                       (c.logarithms ? "a product or quotient of " : "a sum or difference of ") +
                       Join(c.columns) + ": 1 - R2 is " + Short(std::max(0.0, c.unexplained)) +
                       "; what it is made of is not known before it is",
                   {{"kind", c.logarithms ? "product" : "sum"},
                    {"columns", c.columns},
                    {"weights", c.weights},
                    {"unexplained", c.unexplained}}});
  }
  const double n = double(table.columns.size());
  const double chance = options.log10_chance - std::log10(std::max(1.0, n * (n - 1) / 2));
  for (const auto& p : PurePairsOf(table, target, leaks, chance)) {
    findings->Add({"fewFeatures",
                   Severity::kWarning,
                   Join({p.first, p.second}),
                   "each of the " + std::to_string(p.cells) + " pairs of values of " +
                       Join({p.first, p.second}) + " has one label only (by chance once in 1e" +
                       Short(-p.log10_chance) +
                       "); make sure that both are known before the label is",
                   {{"kind", "pair"}, {"cells", p.cells}, {"log10Chance", p.log10_chance}}});
  }
}

Result<void> CheckGroupMeans(const std::vector<std::string>& parts, const Table& table,
                             const Target& target, const std::vector<std::string>& leaks,
                             Findings* findings) {
  const auto pairs = GroupPairsOf(table, target, leaks);
  PENSTOCK_ASSIGN(const auto found, GroupMeansOf(parts, pairs, target));
  for (const auto& g : found) {
    findings->Add({"groupMean",
                   Severity::kError,
                   g.column,
                   "column " + Quoted(g.column) + " is the " + g.kind + " of the label " +
                       (g.of_class.empty() ? "" : "(class " + Quoted(g.of_class) + ") ") +
                       "in the " + std::to_string(g.groups) + " groups of " + Quoted(g.group) +
                       ", made of the very rows that learn from it; let transform encode (it holds "
                       "rows out), or make it of earlier rows",
                   {{"kind", g.kind}, {"group", g.group}, {"groups", g.groups}}});
  }
  return {};
}

// Rows beside each other in time: all, where the table has all; else a block of them.
Result<void> CheckFuture(const std::string& dataset, const Table& table, const Target& target,
                         const std::string& task, const LeakageOptions& options,
                         Findings* findings) {
  if (options.time.empty()) return {};
  Table block;
  Target labels;
  if (!table.whole()) {
    TableOptions first;
    first.keep = Keep::kFirst;
    PENSTOCK_ASSIGN(block, LoadTable(dataset, first));
    const TableColumn* label = block.Find(target.column);
    if (label == nullptr || label->distinct < 2) return {};
    PENSTOCK_ASSIGN(labels, TargetOf(block, target.column, task));
  }
  const Table& used = table.whole() ? table : block;
  for (const auto& f :
       FutureOf(used, table.whole() ? target : labels, options.time, options.group)) {
    const TableColumn* column = used.Find(f.column);
    if (column == nullptr || !IsFeature(*column, target)) continue;
    constexpr double kMade = 0.999;
    constexpr double kKnows = 0.5;
    constexpr double kMore = 0.2;
    const bool made = f.after >= kMade && f.after - f.before > 1 - kMade;
    if (!made && (f.after < kKnows || f.after - f.before < kMore)) continue;
    findings->Add({"future",
                   made ? Severity::kError : Severity::kWarning,
                   f.column,
                   "column " + Quoted(f.column) + (made ? " is made of" : " goes with") +
                       " labels of later rows: those explain R2 " + Short(f.after) +
                       " of it, earlier ones " + Short(f.before) +
                       "; make it of what was known at the row's time",
                   {{"after", f.after}, {"before", f.before}, {"rows", f.rows}}});
  }
  return {};
}

Result<void> CheckAvailability(const std::string& dataset, const Table& table,
                               const LeakageOptions& options, Findings* findings) {
  if (options.moment.empty()) {
    if (options.available_at.empty()) return {};
    return Invalid(
        "availableAt: needs moment, the column of times at which the model answers, or a "
        "column with the role time");
  }
  PENSTOCK_ASSIGN(const auto late, LateColumns(dataset, options.available_at, options.moment));
  for (const auto& l : late) {
    const Json evidence = {
        {"availableAt", l.available_at}, {"rows", l.rows},      {"late", l.late},
        {"unknown", l.unknown},          {"firstRow", l.first}, {"worstSeconds", l.worst_seconds}};
    if (l.late > 0) {
      findings->Add({"availability", Severity::kError, l.column,
                     "column " + Quoted(l.column) + " is known only after " +
                         Quoted(options.moment) + " in " + std::to_string(l.late) + " of " +
                         std::to_string(l.rows) + " rows (by " + Quoted(l.available_at) +
                         "; the first is row " + std::to_string(l.first) + ", the latest by " +
                         Short(l.worst_seconds) + " s); leave it out, or take the value of then",
                     evidence});
    } else if (l.unknown > 0) {
      findings->Add({"availability", Severity::kWarning, l.column,
                     "nothing says since when " + Quoted(l.column) + " is known in " +
                         std::to_string(l.unknown) + " rows: " + Quoted(l.available_at) + " or " +
                         Quoted(options.moment) + " is null there",
                     evidence});
    }
  }
  for (const auto& l : LateTimes(table, options.moment, options.available_at)) {
    findings->Add(
        {"availability",
         Severity::kWarning,
         l.column,
         "the times in " + Quoted(l.column) + " are after " + Quoted(options.moment) + " in " +
             std::to_string(l.late) + " of " + std::to_string(l.rows) +
             " rows: is the column known when the model answers? Say so with availableAt, "
             "or leave it out",
         {{"rows", l.rows}, {"late", l.late}}});
  }
  return {};
}

// A column that numbers the rows: whole numbers, each once, rising with the row.
bool NumbersTheRows(const TableColumn& column) {
  if (column.type != sdk::ColumnType::kInt64 || column.rows() < 100) return false;
  for (std::size_t r = 0; r < column.rows(); ++r) {
    if (column.IsNull(r) || (r > 0 && column.numbers[r] <= column.numbers[r - 1])) return false;
  }
  return true;
}

void CheckIds(const Table& table, const Target& target, const LeakageOptions& options,
              Findings* findings) {
  constexpr double kIdAuc = 0.6;  // what an id may tell by its order: little
  constexpr double kIdR2 = 0.2;
  TableColumn order;
  order.name = "the row's number";
  order.type = sdk::ColumnType::kInt64;
  for (const auto row : table.rows) order.numbers.push_back(double(row));
  order.distinct = std::uint32_t(table.rows.size());
  const auto by_order = StrengthOf(order, target, options.confidence);
  const auto limit = [](const Strength& s, double auc, double r2) {
    return s.measure == "auc" ? auc : r2;
  };
  if (by_order &&
      by_order->low >= limit(*by_order, options.suspicious_auc, options.suspicious_r2)) {
    findings->Add({"ids", Severity::kWarning, order.name,
                   "the order of the rows alone tells the label with " + StrengthText(*by_order) +
                       ": the data is sorted by it; no split by position, and no row number as a "
                       "feature",
                   ToJson(*by_order)});
  }
  for (const auto& column : table.columns) {
    if (column.name == target.column) continue;
    if (column.role == sdk::Role::kFeature && NumbersTheRows(column)) {
      findings->Add({"ids", Severity::kWarning, column.name,
                     "column " + Quoted(column.name) +
                         " numbers the rows; it is no feature: give it the role id or ignored",
                     Json::object()});
    }
    if (column.role != sdk::Role::kId) continue;
    const auto strength = StrengthOf(column, target, options.confidence);
    if (!strength || strength->low < limit(*strength, kIdAuc, kIdR2)) continue;
    findings->Add({"ids", Severity::kWarning, column.name,
                   "the id " + Quoted(column.name) + " knows the label: " +
                       StrengthText(*strength) + "; rows came in an order that has to do with it",
                   ToJson(*strength)});
  }
}

}  // namespace

Result<std::vector<ColumnStrength>> CheckLeakage(const std::vector<std::string>& parts,
                                                 const Table& table, const Target& target,
                                                 const LeakageOptions& options,
                                                 Findings* findings) {
  std::vector<ColumnStrength> strengths;
  const auto leaks = CheckColumns(table, target, options, &strengths, findings);
  CheckCombinations(table, target, leaks, options, findings);
  PENSTOCK_TRY(CheckGroupMeans(parts, table, target, leaks, findings));
  const std::string task = target.classification ? "classification" : "regression";
  PENSTOCK_TRY(CheckFuture(parts.front(), table, target, task, options, findings));
  PENSTOCK_TRY(CheckAvailability(parts.front(), table, options, findings));
  CheckIds(table, target, options, findings);
  return strengths;
}

}  // namespace penstock::audit
