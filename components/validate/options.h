// What a validation was asked to do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "components/validate/findings/anomaly.h"
#include "components/validate/personal_scan.h"
#include "components/validate/rules/rule.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::validate {

enum class OnError : std::uint8_t {
  kWithhold,  // no output dataset
  kReport,    // the dataset is there all the same
  kFail,      // the step fails
};
enum class SetAside : std::uint8_t {
  kRules,  // rows that break a rule
  kAll,    // also rows that break what the schema asks of each row
  kNone
};

struct Options {
  std::string environment;  // empty: none
  std::vector<Rule> rules;
  std::map<std::string, Severity> severities;  // of the schema's: by type, or "TYPE/column"
  personal::ScanOptions personal;
  OnError on_error = OnError::kWithhold;
  SetAside set_aside = SetAside::kRules;
  std::optional<std::int64_t> now;  // microseconds since 1970
};

// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

// Severities of the schema's anomalies as the options have them.
void Grade(const Options& options, std::vector<Anomaly>& anomalies);

}  // namespace penstock::validate
