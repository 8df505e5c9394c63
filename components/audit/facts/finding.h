// What an audit found, and what follows from it. Value types; used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::audit {

enum class Severity : std::uint8_t { kOff, kInfo, kWarning, kError };
[[nodiscard]] const char* Name(Severity severity);  // "off", "info", "warning", "error"

// The checks, by the names that people use in `severities`.
inline constexpr const char* kChecks[] = {
    "singleFeature",  "functionOfLabel", "fewFeatures", "groupMean",
    "future",         "availability",    "ids",         "duplicates",
    "nearDuplicates", "contradictions",  "sufficiency", "partsDisagree",
    "labelBias",      "proxies",         "labellers",   "labelIssues",
    "ceiling"};

struct Finding {
  std::string check;  // of kChecks
  Severity severity = Severity::kWarning;
  std::string where;    // a column, columns, or a part
  std::string message;  // one sentence: what is so, by how much, what to do
  Json evidence = Json::object();
};

// Findings in the order in which they came; what a user wants of a check is applied here.
class Findings {
 public:
  // Warnings and errors of a check of this name are of this severity (kOff: not said at all).
  explicit Findings(std::map<std::string, Severity> severities = {})
      : severities_(std::move(severities)) {}

  // The first kMostOfACheck of a check are kept, the others counted.
  void Add(Finding finding);

  static constexpr std::int64_t kMostOfACheck = 100;
  [[nodiscard]] const std::vector<Finding>& all() const { return all_; }
  [[nodiscard]] std::int64_t Count(Severity severity) const;
  // {"check": n} beyond those that are kept.
  [[nodiscard]] const std::map<std::string, std::int64_t>& left_out() const { return left_out_; }

 private:
  std::map<std::string, Severity> severities_;
  std::vector<Finding> all_;
  std::map<std::string, std::int64_t> of_check_;
  std::map<std::string, std::int64_t> left_out_;
  std::map<Severity, std::int64_t> counts_;
};

// {"check", "severity", "where", "message", "evidence"}.
[[nodiscard]] Json ToJson(const Finding& finding);

// "0.25" of at most four digits, for messages.
[[nodiscard]] std::string Short(double value);
// A name within quotes, at most 100 bytes of it.
[[nodiscard]] std::string Quoted(const std::string& name);

}  // namespace penstock::audit
