// What a validation found, in the forms in which it is told. Pure; everything in it may be told:
// personal data is masked before.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "components/validate/findings/anomaly.h"
#include "operator/base/json.h"

namespace penstock::validate {

struct Report {
  std::int64_t rows = 0;
  std::int64_t quarantined = 0;
  std::vector<Anomaly> anomalies;  // errors first, else in the order found
  std::vector<Measurement> measurements;
  std::map<std::string, std::vector<std::string>> personal;  // kinds by column
  std::vector<std::string> checked;                          // what was asked: "column x", "rule y"
  std::vector<std::string> notes;                            // what was not looked at, and why

  [[nodiscard]] bool Passes() const;  // no error
  [[nodiscard]] std::int64_t Count(Severity severity) const;
  // One sentence.
  [[nodiscard]] std::string Reason() const;
};

void SortBySeverity(std::vector<Anomaly>& anomalies);

// anomalies.json: {"verdict", "reason", "rows", "quarantined", "anomalies": [...],
// "measurements": [...], "personalData": {column: [kinds]}, "notes": [...]}.
[[nodiscard]] Json ToJson(const Report& report);
// A test case a thing checked, which fails with its errors; warnings are its system-out. As what
// reads JUnit's XML understands: testsuite, testcase, failure.
[[nodiscard]] std::string JUnitXml(const Report& report);
// The page.
[[nodiscard]] std::string PageHtml(const Report& report);

}  // namespace penstock::validate
