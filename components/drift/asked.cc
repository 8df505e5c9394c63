#include "components/drift/asked.h"

#include "components/drift/bins.h"
#include "operator/base/shown_text.h"

namespace penstock::drift {

Result<void> TakeAsked(const sdk::Schema& schema, Options& options) {
  for (const sdk::SchemaColumn& column : schema.columns) {
    const sdk::Comparison& drift = column.constraints.drift;
    if (!drift.floor && drift.statistic.empty() && !drift.ignore) continue;
    Asked asked = {.statistic = std::nullopt, .floor = drift.floor, .ignore = drift.ignore};
    if (!drift.statistic.empty()) {
      asked.statistic = ParseStatistic(drift.statistic);
      if (!asked.statistic) {
        return Invalid("the schema's drift.statistic of '" + column.name + "' is '" +
                       plan::Shown(drift.statistic, 80) + "': of numbers it must be one of " +
                       Fitting(Kind::kNumber) + ", of categories one of " +
                       Fitting(Kind::kCategory) + ", of texts " + Fitting(Kind::kText));
      }
    }
    options.asked[column.name] = asked;
  }
  return {};
}

std::vector<std::string> Overruled(const Options& options, const std::string& column, Kind kind) {
  std::vector<std::string> list;
  const auto found = options.asked.find(column);
  if (found == options.asked.end()) return list;
  const Asked& asked = found->second;
  if (asked.ignore) list.emplace_back("the schema says ignore, the parameters name the column");
  const Statistic used = options.StatisticOf(column, kind);
  if (asked.statistic && used != *asked.statistic) {
    list.push_back("the schema asks for the statistic " + std::string(Name(*asked.statistic)) +
                   ", the parameters say " + Name(used));
  }
  const double floor = options.FloorOf(column, kind);
  if (!asked.floor || floor == *asked.floor) return list;
  const Statistic meant = asked.statistic.value_or(DefaultStatistic(kind));
  list.push_back("the schema asks for a floor of " + ShortNumber(*asked.floor) + " of " +
                 Name(meant) + ", the parameters make it " + ShortNumber(floor) + " of " +
                 Name(used));
  return list;
}

}  // namespace penstock::drift
