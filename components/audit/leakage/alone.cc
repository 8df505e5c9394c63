#include "components/audit/leakage/alone.h"

#include <algorithm>
#include <cmath>

#include "components/audit/leakage/dependence.h"

namespace penstock::audit {
namespace {

constexpr double kFunction = 0.99;  // of xi: no noise to speak of
constexpr std::size_t kLeastOfXi = 100;
constexpr std::uint32_t kLeastValuesOfXi = 20;

Finding OfFunction(const TableColumn& column, const Target& target, const std::string& how,
                   Json evidence) {
  return {"functionOfLabel", Severity::kError, column.name,
          "column " + Quoted(column.name) + " and the label " + Quoted(target.column) + ": " + how +
              "; a model would learn the label from the label. Leave the column out (its role: "
              "ignored), unless it is known before the label is",
          std::move(evidence)};
}

std::string OneIn(double log10_chance) { return "by chance once in 1e" + Short(-log10_chance); }

std::string OrderText(const Order& order, const Target& target) {
  const char* turns = order.falling ? ", turned round" : "";
  if (target.classification) {
    return std::string("its ranges do not overlap between labels") + turns + " (" +
           OneIn(order.log10_chance) + ")";
  }
  return std::string("the one is a rising function of the other") + turns +
         ": a copy, rescaled or made coarse (" + OneIn(order.log10_chance) + ")";
}

// Exact: no row is out of place.
std::optional<Finding> ExactFunction(const TableColumn& column, const Target& target,
                                     double log10_chance) {
  if (!column.text()) {
    const auto order = OrderOf(column.numbers, target.values);
    if (order && order->log10_chance <= log10_chance) {
      return OfFunction(column, target, OrderText(*order, target),
                        {{"kind", "order"}, {"log10Chance", order->log10_chance}});
    }
  }
  const Levels levels = LevelsOf(column);
  if (!target.classification && column.text()) {
    const auto chance = RangesChance(levels.codes, levels.levels, target.values);
    if (chance && *chance <= log10_chance) {
      return OfFunction(
          column, target,
          "the label's ranges do not overlap between its values (" + OneIn(*chance) + ")",
          {{"kind", "ranges"}, {"log10Chance", *chance}});
    }
  }
  if (!target.classification) return std::nullopt;
  const auto chance = PurityChance(levels.codes, levels.levels, target.values);
  if (!chance || *chance > log10_chance) return std::nullopt;
  // Many values of a few rows each are what ids and groups are.
  const bool few = std::size_t(levels.levels) * 20 <= levels.codes.size();
  Finding finding = OfFunction(column, target,
                               "each of its " + std::to_string(levels.levels) +
                                   " values has one label only (" + OneIn(*chance) + ")",
                               {{"kind", "values"}, {"log10Chance", *chance}});
  if (!few) {
    finding.severity = Severity::kWarning;
    finding.message += ". Where it names what the rows are of, split by it (by: group)";
  }
  return finding;
}

// Whether values are there, as a column of its own.
std::optional<Finding> NullsKnow(const TableColumn& column, const Target& target,
                                 double log10_chance) {
  std::vector<double> is_null(column.rows());
  for (std::size_t r = 0; r < column.rows(); ++r) is_null[r] = column.IsNull(r) ? 1 : 0;
  const auto order = OrderOf(is_null, target.values);
  if (!order || order->log10_chance > log10_chance) return std::nullopt;
  return OfFunction(column, target,
                    "whether it is null says on which side of a value the label is (" +
                        OneIn(order->log10_chance) + ")",
                    {{"kind", "nulls"}, {"log10Chance", order->log10_chance}});
}

// A function that neither rises nor falls, or with a little noise.
std::optional<Finding> SmoothFunction(const TableColumn& column, const Target& target) {
  if (target.classification || column.text() || column.distinct < kLeastValuesOfXi ||
      column.rows() < kLeastOfXi) {
    return std::nullopt;
  }
  const double of_label = Xi(target.values, column.numbers);
  const double of_column = Xi(column.numbers, target.values);
  if (std::max(of_label, of_column) < kFunction) return std::nullopt;
  const bool label_first = of_label >= of_column;
  return OfFunction(column, target,
                    std::string(label_first ? "the column is a function of the label"
                                            : "the label is a function of the column") +
                        " almost without noise (Chatterjee's xi " +
                        Short(std::max(of_label, of_column)) + ")",
                    {{"kind", "xi"}, {"ofLabel", of_label}, {"ofColumn", of_column}});
}

}  // namespace

std::string StrengthText(const Strength& s) {
  return std::string(s.measure == "auc" ? "AUC " : "R2 ") + Short(s.value) + " (" + Short(s.low) +
         " to " + Short(s.high) + ")";
}

Json ToJson(const Strength& s) {
  return {{"measure", s.measure}, {"value", s.value}, {"low", s.low},
          {"high", s.high},       {"rows", s.rows},   {"by", s.by}};
}

std::optional<Finding> FindingOfColumn(const TableColumn& column, const Target& target,
                                       const std::optional<Strength>& strength, std::size_t columns,
                                       const LeakageOptions& options) {
  const double chance = options.log10_chance - std::log10(double(columns));
  if (auto found = ExactFunction(column, target, chance)) return found;
  if (auto found = NullsKnow(column, target, chance)) return found;
  if (auto found = SmoothFunction(column, target)) return found;
  if (!strength) return std::nullopt;
  const double suspicious =
      strength->measure == "auc" ? options.suspicious_auc : options.suspicious_r2;
  if (strength->low < std::min(suspicious, options.leak)) return std::nullopt;
  const bool leaks = strength->low >= options.leak;
  return Finding{"singleFeature", leaks ? Severity::kError : Severity::kWarning, column.name,
                 "column " + Quoted(column.name) + " alone tells the label with " +
                     StrengthText(*strength) +
                     (leaks ? ": almost whole, as only what is made of the label does"
                            : ": very well; make sure that it is known before the label is"),
                 ToJson(*strength)};
}

}  // namespace penstock::audit
