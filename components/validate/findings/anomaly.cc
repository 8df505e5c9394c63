#include "components/validate/findings/anomaly.h"

#include <algorithm>
#include <array>

namespace penstock::validate {
namespace {

constexpr std::array<const char*, 3> kSeverities = {"info", "warn", "error"};

}  // namespace

const char* Name(Severity severity) { return kSeverities[std::size_t(severity)]; }

std::optional<Severity> ParseSeverity(std::string_view name) {
  for (std::size_t i = 0; i < kSeverities.size(); ++i) {
    if (name == kSeverities[i]) return Severity(i);
  }
  return std::nullopt;
}

const std::vector<std::string>& AnomalyTypes() {
  static const std::vector<std::string> kTypes = {
      "COMPARATOR_CONTROL_DATA_MISSING",
      "COMPARATOR_HIGH_NUM_EXAMPLES",
      "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
      "COMPARATOR_LOW_NUM_EXAMPLES",
      "COMPARATOR_L_INFTY_HIGH",
      "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
      "CUSTOM_VALIDATION",
      "DATASET_HIGH_NUM_EXAMPLES",
      "DATASET_LOW_NUM_EXAMPLES",
      "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
      "FEATURE_TYPE_HIGH_NUMBER_VALUES",
      "FEATURE_TYPE_HIGH_UNIQUE",
      "FEATURE_TYPE_LOW_FRACTION_PRESENT",
      "FEATURE_TYPE_LOW_NUMBER_PRESENT",
      "FEATURE_TYPE_LOW_NUMBER_VALUES",
      "FEATURE_TYPE_LOW_UNIQUE",
      "FEATURE_TYPE_NOT_PRESENT",
      "FLOAT_TYPE_BIG_FLOAT",
      "FLOAT_TYPE_HAS_INF",
      "FLOAT_TYPE_HAS_NAN",
      "FLOAT_TYPE_SMALL_FLOAT",
      "INT_TYPE_BIG_INT",
      "INT_TYPE_SMALL_INT",
      "PERSONAL_DATA",
      "RULE_DUPLICATE_KEY",
      "RULE_NOT_INCREASING",
      "RULE_NULL",
      "RULE_ORDER",
      "RULE_PATTERN",
      "RULE_RANGE",
      "RULE_SQL",
      "RULE_STALE",
      "RULE_VALUE_NOT_ALLOWED",
      "SCHEMA_MISSING_COLUMN",
      "SCHEMA_NEW_COLUMN",
      "UNEXPECTED_DATA_TYPE",
  };
  return kTypes;
}

bool IsAnomalyType(std::string_view type) {
  const auto& types = AnomalyTypes();
  return std::find(types.begin(), types.end(), type) != types.end();
}

Json ToJson(const Anomaly& anomaly) {
  Json json = {{"type", anomaly.type},
               {"severity", Name(anomaly.severity)},
               {"description", anomaly.description},
               {"advice", anomaly.advice}};
  if (!anomaly.column.empty()) json["column"] = anomaly.column;
  if (!anomaly.rule.empty()) json["rule"] = anomaly.rule;
  if (anomaly.count > 0) json["rows"] = anomaly.count;
  if (anomaly.measured) json["measured"] = *anomaly.measured;
  if (anomaly.threshold) json["threshold"] = *anomaly.threshold;
  for (const auto& example : anomaly.examples) {
    json["examples"].push_back({{"row", example.row}, {"value", example.value}});
  }
  return json;
}

Json ToJson(const Measurement& m) {
  Json json = {{"column", m.column},
               {"against", m.against},
               {"measure", m.measure},
               {"value", m.value},
               {"threshold", m.threshold}};
  if (!m.where.empty()) json["where"] = m.where;
  return json;
}

}  // namespace penstock::validate
