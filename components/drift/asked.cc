#include "components/drift/asked.h"

#include <utility>

#include "components/drift/bins.h"
#include "operator/base/shown_text.h"

namespace penstock::drift {

Result<void> TakeAsked(const sdk::Schema& schema, Options& options) {
  for (const sdk::SchemaColumn& column : schema.columns) {
    const bool skew = options.asks == "skew";
    const sdk::Comparison& wanted = skew ? column.constraints.skew : column.constraints.drift;
    if (!wanted.floor && wanted.statistic.empty() && !wanted.ignore) continue;
    Asked asked = {.statistic = std::nullopt, .floor = wanted.floor, .ignore = wanted.ignore};
    if (!wanted.statistic.empty()) {
      asked.statistic = ParseStatistic(wanted.statistic);
      if (!asked.statistic) {
        return Invalid("the schema's " + options.asks + ".statistic of '" + column.name + "' is '" +
                       plan::Shown(wanted.statistic, 80) + "': of numbers it must be one of " +
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

std::vector<Pairing::Said> UnlikeSchema(const sdk::Schema& schema, const sdk::Schema& reference,
                                        const sdk::Schema& current) {
  std::vector<Pairing::Said> unlike;
  for (const sdk::SchemaColumn& column : schema.columns) {
    std::string why;
    for (const auto& [side, name] :
         {std::pair{&reference, "reference"}, std::pair{&current, "current"}}) {
      const auto* found = side->Find(column.name);
      const std::string comma = why.empty() ? "" : ", ";
      if (found == nullptr) {
        why += comma + name + " does not have it";
      } else if (!column.type.empty() && !AreOfOneKind(column.type, found->type)) {
        why +=
            comma + "the schema says " + column.type + ", and it is " + found->type + " in " + name;
      }
    }
    if (!why.empty()) unlike.push_back({column.name, why});
  }
  return unlike;
}

}  // namespace penstock::drift
