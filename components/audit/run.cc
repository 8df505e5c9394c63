#include "components/audit/run.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "components/audit/audit.h"
#include "components/audit/audit_page.h"
#include "components/audit/options.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

Result<Json> ReadMetrics(const sdk::Step& step, const char* input) {
  if (!step.HasInput(input)) return Json();
  PENSTOCK_ASSIGN(const auto path, step.InputPath(input));
  PENSTOCK_ASSIGN(const auto text, ReadFile(path));
  auto json = ParseJson(text, path);
  if (json && !json->is_object()) return Invalid(path + ": is no metrics artifact of evaluate");
  return json;
}

Result<Given> WhatIsGiven(const sdk::Step& step) {
  Given given;
  PENSTOCK_ASSIGN(const auto train, step.InputPath("dataset"));
  given.parts.push_back({"train", train});
  for (const char* name : {"valid", "test"}) {
    if (!step.HasInput(name)) continue;
    PENSTOCK_ASSIGN(const auto path, step.InputPath(name));
    given.parts.push_back({name, path});
  }
  if (step.HasInput("predictions")) {
    PENSTOCK_ASSIGN(given.predictions, step.InputPath("predictions"));
  }
  PENSTOCK_ASSIGN(given.valid_metrics, ReadMetrics(step, "validMetrics"));
  PENSTOCK_ASSIGN(given.test_metrics, ReadMetrics(step, "testMetrics"));
  return given;
}

std::string SummaryOf(const Findings& findings) {
  const auto errors = findings.Count(Severity::kError);
  const auto warnings = findings.Count(Severity::kWarning);
  const auto of = [](std::int64_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  std::string summary = of(errors, "error") + ", " + of(warnings, "warning");
  int said = 0;
  for (const Severity s : {Severity::kError, Severity::kWarning}) {
    for (const auto& f : findings.all()) {
      if (f.severity != s || said == 3) continue;
      summary += (said++ == 0 ? ": " : "; ") + f.check + " (" + f.where + ")";
    }
  }
  return summary;
}

// Whether the step as a whole says no.
bool IsRefused(const Findings& findings, FailOn fail_on) {
  if (fail_on == FailOn::kNever) return false;
  return findings.Count(Severity::kError) > 0 ||
         (fail_on == FailOn::kWarnings && findings.Count(Severity::kWarning) > 0);
}

void Print(const Findings& findings) {
  for (const Severity s : {Severity::kError, Severity::kWarning}) {
    for (const auto& f : findings.all()) {
      if (f.severity == s) std::printf("%s: %s: %s\n", Name(s), f.check.c_str(), f.message.c_str());
    }
  }
}

// {check: number of errors and warnings}.
Json ByCheck(const Findings& findings) {
  Json counts = Json::object();
  for (const auto& f : findings.all()) {
    if (f.severity < Severity::kWarning) continue;
    counts[f.check] = counts.value(f.check, 0) + 1;
  }
  for (const auto& [check, more] : findings.left_out()) {
    if (counts.contains(check)) counts[check] = counts[check].get<std::int64_t>() + more;
  }
  return counts;
}

// The columns that know the label, each once: what a query leaves out before training.
Json Leaks(const Findings& findings) {
  constexpr std::size_t kMostBytes = 4000;  // of a result; the report has all
  static const std::set<std::string> kLeakChecks = {"functionOfLabel", "singleFeature", "groupMean",
                                                    "future", "availability"};
  Json leaks = Json::array();
  for (const auto& f : findings.all()) {
    if (f.severity != Severity::kError || !kLeakChecks.contains(f.check)) continue;
    if (std::find(leaks.begin(), leaks.end(), f.where) == leaks.end()) leaks.push_back(f.where);
  }
  while (leaks.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMostBytes) {
    leaks.erase(std::prev(leaks.end()));
  }
  return leaks;
}

Result<void> WriteOutcome(const sdk::Step& step, const Audited& audited) {
  const Findings& findings = audited.findings;
  const std::int64_t errors = findings.Count(Severity::kError);
  const std::int64_t warnings = findings.Count(Severity::kWarning);
  Json report = audited.report;
  report["summary"] = SummaryOf(findings);
  report["passed"] = errors == 0;
  report["errors"] = errors;
  report["warnings"] = warnings;
  report["leftOut"] = findings.left_out();
  report["findings"] = Json::array();
  for (const auto& f : findings.all()) report["findings"].push_back(ToJson(f));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("findings"));
  PENSTOCK_TRY(WriteFileAtomically(
      output, report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"));
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("report"));
    PENSTOCK_TRY(WriteFileAtomically(page, AuditPage(audited, report)));
  }
  if (step.HasOutput("issues") && !audited.predictions.rows.empty()) {
    PENSTOCK_ASSIGN(const auto issues, step.OutputPath("issues"));
    PENSTOCK_TRY(WriteIssues(issues, audited.predictions, audited.issues));
  }
  PENSTOCK_TRY(step.WriteResult("passed", errors == 0));
  PENSTOCK_TRY(step.WriteResult("errors", errors));
  PENSTOCK_TRY(step.WriteResult("warnings", warnings));
  PENSTOCK_TRY(step.WriteResult("labelIssues", audited.issues.size()));
  PENSTOCK_TRY(step.WriteResult("summary", report["summary"]));
  PENSTOCK_TRY(step.WriteResult("leaks", Leaks(findings)));
  return step.WriteResult("checks", ByCheck(findings));
}

}  // namespace

Result<void> RunAudit(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto given, WhatIsGiven(step));
  PENSTOCK_ASSIGN(const auto audited, Audit(given, options));
  Print(audited.findings);
  PENSTOCK_TRY(WriteOutcome(step, audited));
  if (!IsRefused(audited.findings, options.fail_on)) return {};
  return Invalid("the data is not fit to learn from: " + SummaryOf(audited.findings) +
                 "; see the lines above, or set failOn: never and read the output report");
}

}  // namespace penstock::audit
