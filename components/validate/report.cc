#include "components/validate/report.h"

#include <algorithm>

namespace penstock::validate {
namespace {

std::string SubjectOf(const Anomaly& anomaly) {
  if (!anomaly.rule.empty()) return "rule " + anomaly.rule;
  return anomaly.column.empty() ? "dataset" : "column " + anomaly.column;
}

// XML 1.0 has no other control characters, escaped or not.
std::string XmlText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

}  // namespace

bool Report::Passes() const { return Count(Severity::kError) == 0; }

std::int64_t Report::Count(Severity severity) const {
  return std::count_if(anomalies.begin(), anomalies.end(),
                       [severity](const Anomaly& a) { return a.severity == severity; });
}

std::string Report::Reason() const {
  const auto text = [](std::int64_t n, const char* of) {
    return std::to_string(n) + " " + of + (n == 1 ? "" : "s");
  };
  if (anomalies.empty()) return "no anomaly in " + std::to_string(rows) + " rows";
  const std::string counts =
      text(Count(Severity::kError), "error") + ", " + text(Count(Severity::kWarn), "warning");
  if (Passes()) return counts + " in " + std::to_string(rows) + " rows";
  const auto& first = anomalies.front();
  return counts + "; " + first.type + " (" + SubjectOf(first) + "): " + first.description;
}

void SortBySeverity(std::vector<Anomaly>& anomalies) {
  std::stable_sort(anomalies.begin(), anomalies.end(),
                   [](const Anomaly& a, const Anomaly& b) { return a.severity > b.severity; });
}

Json ToJson(const Report& report) {
  Json json = {{"verdict", report.Passes() ? "Pass" : "Fail"},
               {"reason", report.Reason()},
               {"rows", report.rows},
               {"quarantined", report.quarantined},
               {"anomalies", Json::array()},
               {"measurements", Json::array()},
               {"personalData", report.personal},
               {"notes", report.notes}};
  for (const auto& anomaly : report.anomalies) json["anomalies"].push_back(ToJson(anomaly));
  for (const auto& m : report.measurements) json["measurements"].push_back(ToJson(m));
  return json;
}

std::string JUnitXml(const Report& report) {
  std::vector<std::string> subjects = report.checked;
  for (const auto& anomaly : report.anomalies) {
    const std::string subject = SubjectOf(anomaly);
    if (std::find(subjects.begin(), subjects.end(), subject) == subjects.end()) {
      subjects.push_back(subject);
    }
  }
  std::string cases;
  std::size_t failures = 0;
  for (const auto& subject : subjects) {
    std::string failed;
    std::string said;
    for (const auto& a : report.anomalies) {
      if (SubjectOf(a) != subject) continue;
      const std::string line = a.type + ": " + a.description + " " + a.advice;
      if (a.severity == Severity::kError) {
        failed += "<failure type=\"" + XmlText(a.type) + "\" message=\"" + XmlText(a.description) +
                  "\">" + XmlText(line) + "</failure>";
      } else {
        said += XmlText(line) + "\n";
      }
    }
    failures += !failed.empty();
    if (!said.empty()) failed += "<system-out>" + said + "</system-out>";
    cases += "<testcase classname=\"validate\" name=\"" + XmlText(subject) + "\">" + failed +
             "</testcase>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"validate\" tests=\"" +
         std::to_string(subjects.size()) + "\" failures=\"" + std::to_string(failures) + "\">\n" +
         cases + "</testsuite>\n";
}

}  // namespace penstock::validate
