#include "components/validate/rules/rule.h"

#include <arrow/type.h>

#include "components/validate/rules/kinds.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string Advice(Check check) {
  switch (check) {
    case Check::kNotNull:
      return "Find out why values are missing, or give the rule mostly.";
    case Check::kUnique:
      return "Look whether the source was read twice; split and query can drop the second.";
    case Check::kFresh:
      return "Look whether the source still writes; the run before this has the data until then.";
    case Check::kStatistics:
      return "Look at the statistics' page for the columns that the condition names.";
    default:
      return "Look at the rows in the output quarantine; if they are right, change the rule.";
  }
}

}  // namespace

Result<std::unique_ptr<RowRule>> MakeRowRule(const Rule& rule, const arrow::Schema& canonical,
                                             const RuleContext& context) {
  const auto make = [&]() -> Result<std::unique_ptr<RowRule>> {
    for (const auto& column : rule.columns) {
      if (canonical.GetFieldByName(column) != nullptr) continue;
      return Invalid("there is no column '" + plan::Shown(column, 120) + "'");
    }
    switch (rule.check) {
      case Check::kUnique:
        return MakeUniqueRule(rule, context);
      case Check::kOrder:
      case Check::kIncreasing:
      case Check::kFresh:
        return MakeOrderRule(rule, canonical, context);
      default:
        return MakeValueRule(rule, canonical, context);
    }
  };
  auto made = make();
  if (!made) return Wrap("rule '" + plan::Shown(rule.name, 120) + "'", made.error());
  return made;
}

std::optional<Anomaly> AnomalyOf(const Rule& rule, const Outcome& outcome) {
  Anomaly anomaly{.type = AnomalyTypeOf(rule.check),
                  .column = Joined(rule.columns),
                  .rule = rule.name,
                  .severity = rule.severity,
                  .advice = Advice(rule.check)};
  if (!rule.IsOfRows()) {
    if (outcome.failure.empty()) return std::nullopt;
    anomaly.description = outcome.failure;
    return anomaly;
  }
  const std::int64_t broken = outcome.breaches.count();
  if (broken == 0) return std::nullopt;
  const double held = 1 - double(broken) / double(outcome.considered);
  if (held >= rule.mostly) return std::nullopt;
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.3g", 100 * (1 - held));
  anomaly.count = broken;
  anomaly.measured = held;
  anomaly.threshold = rule.mostly;
  anomaly.description = std::to_string(broken) + " of the " + std::to_string(outcome.considered) +
                        " rows that the rule is about break it (" + percent + " %)" +
                        (rule.mostly < 1 ? "; mostly is " + Json(rule.mostly).dump() + "." : ".");
  anomaly.examples = outcome.breaches.examples();
  return anomaly;
}

}  // namespace penstock::validate
