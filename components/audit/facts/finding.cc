#include "components/audit/facts/finding.h"

#include <cstdio>

namespace penstock::audit {

const char* Name(Severity severity) {
  switch (severity) {
    case Severity::kOff:
      return "off";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

void Findings::Add(Finding finding) {
  if (const auto wanted = severities_.find(finding.check); wanted != severities_.end()) {
    if (wanted->second == Severity::kOff) return;
    // What is only worth a mention is not raised: an error of someone's choice is one of a finding.
    if (finding.severity != Severity::kInfo) finding.severity = wanted->second;
  }
  ++counts_[finding.severity];
  if (++of_check_[finding.check] > kMostOfACheck) {
    ++left_out_[finding.check];
    return;
  }
  all_.push_back(std::move(finding));
}

std::int64_t Findings::Count(Severity severity) const {
  const auto found = counts_.find(severity);
  return found == counts_.end() ? 0 : found->second;
}

Json ToJson(const Finding& finding) {
  return {{"check", finding.check},
          {"severity", Name(finding.severity)},
          {"where", finding.where},
          {"message", finding.message},
          {"evidence", finding.evidence}};
}

std::string Short(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string Quoted(const std::string& name) {
  constexpr std::size_t kMost = 100;
  if (name.size() <= kMost) return "'" + name + "'";
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80)
    --end;  // a whole letter
  return "'" + name.substr(0, end) + "...'";
}

}  // namespace penstock::audit
