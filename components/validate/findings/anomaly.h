// What is wrong with a dataset, as it is told: one anomaly is one type of one column or rule. Value
// types; pure.
//
// Types are TFDV's names (tensorflow_metadata's anomalies.proto, AnomalyInfo.Type) where TFDV has
// one (README.md lists all), else ours: RULE_PATTERN, RULE_RANGE, RULE_NULL, RULE_DUPLICATE_KEY,
// RULE_ORDER, RULE_NOT_INCREASING, RULE_STALE, RULE_VALUE_NOT_ALLOWED, RULE_SQL, PERSONAL_DATA.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"

namespace penstock::validate {

enum class Severity : std::uint8_t { kInfo, kWarn, kError };
[[nodiscard]] const char* Name(Severity severity);  // "info", "warn", "error"
[[nodiscard]] std::optional<Severity> ParseSeverity(std::string_view name);

// Is it a type that an anomaly of ours can have?
[[nodiscard]] bool IsAnomalyType(std::string_view type);
[[nodiscard]] const std::vector<std::string>& AnomalyTypes();

// A row, counted from 0, and what stands there: shown, cut, and without personal data.
struct Example {
  std::int64_t row = 0;
  std::string value = {};
};

struct Anomaly {
  std::string type = {};
  std::string column = {};  // empty: the dataset; several: "a, b"
  std::string rule = {};    // the name of the user's rule; empty: the schema
  Severity severity = Severity::kError;
  std::int64_t count = 0;  // rows that it stands in; 0 where it is not one of rows
  std::optional<double> measured = {};
  std::optional<double> threshold = {};
  std::string description = {};  // one sentence
  std::string advice = {};       // what to do, one sentence
  std::vector<Example> examples = {};
};

// A distance that was measured, also one that passed (TFDV's drift_skew_info).
struct Measurement {
  std::string column = {};
  std::string against = {};  // "previous", "serving"
  std::string measure = {};  // "infinityNorm", ...
  double value = 0;
  double threshold = 0;
  std::string where = {};  // the value that differs most; empty: not known
};

[[nodiscard]] Json ToJson(const Anomaly& anomaly);
[[nodiscard]] Json ToJson(const Measurement& measurement);

}  // namespace penstock::validate
