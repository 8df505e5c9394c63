// The constraints of a schema's YAML. A constraint that the column's type cannot meet or break is
// refused: it would be one that holds for ever.
#include <charconv>
#include <cmath>
#include <set>

#include "components/sdk/constraints/schema_yaml.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

template <typename T>
Result<T> NumberOf(const YAML::Node& map, const char* key, T least, T most) {
  const YAML::Node node = map[key];
  T value{};
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const char* end = text.data() + text.size();
    const auto r = std::from_chars(text.data(), end, value);
    // A NaN fails both comparisons.
    if (r.ec == std::errc() && r.ptr == end && value >= least && value <= most) return value;
  }
  return At(node, std::string(key) + " must be " +
                      (std::is_integral_v<T> ? "an integer" : "a number") + " from " +
                      Json(least).dump() + " to " + Json(most).dump());
}

template <typename T>
Result<void> Read(const YAML::Node& map, const char* key, T least, T most, std::optional<T>& to) {
  if (!map[key]) return {};
  PENSTOCK_ASSIGN(to, NumberOf<T>(map, key, least, most));
  return {};
}

Result<void> ReadCounts(const YAML::Node& node, CountRange& range) {
  PENSTOCK_TRY(Read<std::int64_t>(node, "minimum", 0, INT64_MAX, range.minimum));
  PENSTOCK_TRY(Read<std::int64_t>(node, "maximum", 0, INT64_MAX, range.maximum));
  if (range.minimum && range.maximum && *range.minimum > *range.maximum) {
    return At(node, "minimum is above maximum, so that nothing would pass");
  }
  return {};
}

Result<void> CheckMap(const YAML::Node& node, const char* what,
                      const std::vector<std::string>& keys) {
  if (!node.IsMap() || node.size() == 0) {
    std::string form;
    for (const auto& key : keys) form += (form.empty() ? "" : ", ") + key + ": ...";
    return At(node, std::string(what) + " must be a mapping such as {" + form + "}");
  }
  return CheckKeys(node, keys);
}

Result<void> ReadCountsUnder(const YAML::Node& map, const char* key, CountRange& range) {
  if (!map[key]) return {};
  PENSTOCK_TRY(CheckMap(map[key], key, {"minimum", "maximum"}));
  return ReadCounts(map[key], range);
}

Result<void> ReadPresence(const YAML::Node& map, Constraints& c) {
  if (!map["presence"]) return {};
  PENSTOCK_TRY(CheckMap(map["presence"], "presence", {"fraction", "count"}));
  PENSTOCK_TRY(Read<double>(map["presence"], "fraction", 0, 1, c.presence_fraction));
  return Read<std::int64_t>(map["presence"], "count", 0, INT64_MAX, c.presence_count);
}

Result<void> ReadDisallow(const YAML::Node& map, const std::string& type, Constraints& c) {
  if (!map["disallow"]) return {};
  if (type != "float64") return At(map["disallow"], "disallow is for float64, not " + type);
  PENSTOCK_ASSIGN(const auto names, ParseNames(map, "disallow"));
  for (const auto& name : names) {
    if (name == "nan") {
      c.disallow_nan = true;
    } else if (name == "infinite") {
      c.disallow_infinite = true;
    } else {
      return At(map["disallow"],
                "disallow has nan and infinite, not '" + plan::Shown(name, 80) + "'");
    }
  }
  return {};
}

// What `drift` alone reads.
Result<void> ReadIgnore(const YAML::Node& node, const char* key, Comparison& c) {
  if (!node["ignore"]) return {};
  const std::string text = node["ignore"].IsScalar() ? node["ignore"].Scalar() : "";
  if (std::string(key) != "drift") return At(node["ignore"], "ignore is for drift, not for skew");
  if (text != "true" && text != "false") return At(node["ignore"], "ignore must be true or false");
  c.ignore = text == "true";
  if (c.ignore && (c.floor || !c.statistic.empty())) {
    return At(node["ignore"],
              "a column that is ignored has no floor and no statistic; leave ignore or these out");
  }
  return {};
}

Result<void> ReadComparison(const YAML::Node& map, const char* key, Comparison& c) {
  if (!map[key]) return {};
  const YAML::Node node = map[key];
  PENSTOCK_TRY(CheckMap(node, key,
                        {"infinityNorm", "jensenShannon", "normalizedAbsoluteDifference", "floor",
                         "statistic", "ignore"}));
  constexpr double kLargest = 1e300;
  PENSTOCK_TRY(Read<double>(node, "infinityNorm", 0, 1, c.infinity_norm));
  PENSTOCK_TRY(Read<double>(node, "jensenShannon", 0, 1, c.jensen_shannon));
  PENSTOCK_TRY(
      Read<double>(node, "normalizedAbsoluteDifference", 0, 1, c.normalized_absolute_difference));
  PENSTOCK_TRY(Read<double>(node, "floor", 0, kLargest, c.floor));
  if (node["statistic"]) {
    PENSTOCK_ASSIGN(c.statistic, TextOf(node, "statistic"));
    if (c.statistic.empty()) return At(node["statistic"], "statistic is empty");
  }
  return ReadIgnore(node, key, c);
}

}  // namespace

Result<std::vector<std::string>> ParseNames(const YAML::Node& map, const char* key) {
  const YAML::Node node = map[key];
  if (!node.IsSequence() || node.size() == 0) {
    return At(node, std::string(key) + " must be a list of at least one name");
  }
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& element : node) {
    if (!element.IsScalar() || element.Scalar().empty() || !IsUtf8(element.Scalar())) {
      return At(element, std::string(key) + ": a name must be a text");
    }
    if (!seen.insert(element.Scalar()).second) {
      return At(element,
                std::string(key) + ": '" + plan::Shown(element.Scalar(), 80) + "' stands twice");
    }
    names.push_back(element.Scalar());
  }
  return names;
}

Result<Constraints> ParseConstraints(const YAML::Node& column, const std::string& type,
                                     bool has_domain) {
  Constraints c;
  PENSTOCK_TRY(ReadPresence(column, c));
  PENSTOCK_TRY(ReadCountsUnder(column, "valueCount", c.value_count));
  if (c.value_count.IsGiven() && !type.starts_with("list<")) {
    return At(column["valueCount"], "valueCount is for lists, not " + type);
  }
  PENSTOCK_TRY(ReadCountsUnder(column, "distinct", c.distinct));
  if (c.distinct.IsGiven() && type.starts_with("list<")) {
    return At(column["distinct"], "distinct is not for lists");
  }
  PENSTOCK_TRY(Read<double>(column, "domainMass", 0, 1, c.domain_mass));
  if (c.domain_mass && !has_domain) {
    return At(column["domainMass"], "domainMass needs a domain, which '" +
                                        plan::Shown(column["name"].Scalar(), 120) + "' has not");
  }
  PENSTOCK_TRY(ReadDisallow(column, type, c));
  if (column["pattern"]) {
    PENSTOCK_ASSIGN(c.pattern, TextOf(column, "pattern"));
    if (type != "string") return At(column["pattern"], "pattern is for string, not " + type);
    if (c.pattern.empty()) return At(column["pattern"], "pattern is empty");
  }
  for (const char* key : {"environments", "notIn"}) {
    if (!column[key]) continue;
    auto& to = std::string(key) == "notIn" ? c.not_in : c.environments;
    PENSTOCK_ASSIGN(to, ParseNames(column, key));
  }
  PENSTOCK_TRY(ReadComparison(column, "drift", c.drift));
  PENSTOCK_TRY(ReadComparison(column, "skew", c.skew));
  return c;
}

Result<RowConstraints> ParseRowConstraints(const YAML::Node& node) {
  RowConstraints rows;
  PENSTOCK_TRY(CheckMap(node, "rows", {"minimum", "maximum", "drift"}));
  PENSTOCK_TRY(ReadCounts(node, rows.count));
  if (!node["drift"]) return rows;
  const YAML::Node drift = node["drift"];
  constexpr double kLargest = 1e9;
  PENSTOCK_TRY(CheckMap(drift, "drift", {"minimum", "maximum"}));
  PENSTOCK_TRY(Read<double>(drift, "minimum", 0, kLargest, rows.least_of_before));
  PENSTOCK_TRY(Read<double>(drift, "maximum", 0, kLargest, rows.most_of_before));
  return rows;
}

}  // namespace penstock::sdk
