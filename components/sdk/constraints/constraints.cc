#include "components/sdk/constraints/constraints.h"

namespace penstock::sdk {
namespace {

Json ToJson(const CountRange& range) {
  Json json = Json::object();
  if (range.minimum) json["minimum"] = *range.minimum;
  if (range.maximum) json["maximum"] = *range.maximum;
  return json;
}

Json ToJson(const Comparison& c) {
  Json json = Json::object();
  if (c.infinity_norm) json["infinityNorm"] = *c.infinity_norm;
  if (c.jensen_shannon) json["jensenShannon"] = *c.jensen_shannon;
  if (c.normalized_absolute_difference) {
    json["normalizedAbsoluteDifference"] = *c.normalized_absolute_difference;
  }
  if (c.floor) json["floor"] = *c.floor;
  if (!c.statistic.empty()) json["statistic"] = c.statistic;
  if (c.ignore) json["ignore"] = true;
  return json;
}

}  // namespace

const std::vector<std::string>& ConstraintKeys() {
  static const std::vector<std::string> kKeys = {
      "presence", "valueCount",   "distinct", "domainMass", "disallow",
      "pattern",  "environments", "notIn",    "drift",      "skew"};
  return kKeys;
}

Json ToJson(const Constraints& c) {
  Json json = Json::object();
  if (c.presence_fraction) json["presence"]["fraction"] = *c.presence_fraction;
  if (c.presence_count) json["presence"]["count"] = *c.presence_count;
  if (c.value_count.IsGiven()) json["valueCount"] = ToJson(c.value_count);
  if (c.distinct.IsGiven()) json["distinct"] = ToJson(c.distinct);
  if (c.domain_mass) json["domainMass"] = *c.domain_mass;
  if (c.disallow_nan) json["disallow"].push_back("nan");
  if (c.disallow_infinite) json["disallow"].push_back("infinite");
  if (!c.pattern.empty()) json["pattern"] = c.pattern;
  if (!c.environments.empty()) json["environments"] = c.environments;
  if (!c.not_in.empty()) json["notIn"] = c.not_in;
  if (c.drift.IsGiven()) json["drift"] = ToJson(c.drift);
  if (c.skew.IsGiven()) json["skew"] = ToJson(c.skew);
  return json;
}

Json ToJson(const RowConstraints& rows) {
  Json json = ToJson(rows.count);
  if (rows.least_of_before) json["drift"]["minimum"] = *rows.least_of_before;
  if (rows.most_of_before) json["drift"]["maximum"] = *rows.most_of_before;
  return json;
}

}  // namespace penstock::sdk
