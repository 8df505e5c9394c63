#include "components/audit/options.h"

#include <algorithm>

#include "components/sdk/step.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

void ReadLeakage(sdk::Parameters& p, LeakageOptions* leakage) {
  leakage->confidence = p.Number("confidence", 0.95, 0.5, 0.9999);
  leakage->suspicious_auc = p.Number("suspiciousAuc", 0.98, 0.5, 1);
  leakage->suspicious_r2 = p.Number("suspiciousR2", 0.95, 0, 1);
  leakage->leak = p.Number("leak", 0.999, 0.5, 1);
  leakage->time = p.String("time", "");
  leakage->group = p.String("group", "");
  leakage->moment = p.String("moment", "");
  const Json available_at = p.Object("availableAt");
  for (const auto& [column, since] : available_at.items()) {
    if (!since.is_string()) {
      p.Fail("availableAt." + column + ": must be the name of a column of times");
      return;
    }
    leakage->available_at[column] = since.get<std::string>();
  }
}

void ReadSeverities(sdk::Parameters& p, std::map<std::string, Severity>* severities) {
  const Json given = p.Object("severities");
  for (const auto& [check, wanted] : given.items()) {
    if (std::find(std::begin(kChecks), std::end(kChecks), check) == std::end(kChecks)) {
      std::string names;
      for (const char* name : kChecks) names += (names.empty() ? "" : ", ") + std::string(name);
      p.Fail("severities: there is no check " + check + "; there are " + names);
      return;
    }
    bool known = false;
    for (const Severity s :
         {Severity::kOff, Severity::kInfo, Severity::kWarning, Severity::kError}) {
      if (wanted != Name(s)) continue;
      (*severities)[check] = s;
      known = true;
    }
    if (!known) p.Fail("severities." + check + ": must be off, info, warning or error");
  }
}

}  // namespace

Result<Options> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  Options options;
  options.label = p.String("label", "");
  options.task = p.OneOf("task", "auto", {"auto", "classification", "regression"});
  options.positive = p.String("positive", "");
  ReadLeakage(p, &options.leakage);
  options.protected_columns = p.Strings("protected");
  options.most_gap = p.Number("mostGap", 0.1, 0, 100);
  options.proxy = p.Number("proxy", 0.9, 0, 1);
  options.labellers = p.Strings("labellers");
  if (options.labellers.size() == 1) p.Fail("labellers: one alone agrees with nobody; name two");
  options.least_agreement = p.Number("leastAgreement", 0.667, -1, 1);
  options.most_issues = p.Number("mostIssues", 0.05, 0, 1);
  options.metric = p.OneOf("metric", "auto", {"auto", "auc", "accuracy", "rmse"});
  options.expected = p.Number("expected", 0.8, 0, 1e300);
  if (options.metric != "rmse" && options.expected > 1) p.Fail("expected: of a share, 0 to 1");
  options.difference = p.OptionalNumber("difference");
  if (options.difference && !(*options.difference > 0)) p.Fail("difference: must be above 0");
  options.most_rows = p.Integer("rows", 100'000, 1000, 10'000'000);
  options.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  const std::string fail = p.OneOf("failOn", "never", {"never", "errors", "warnings"});
  options.fail_on = fail == "errors"     ? FailOn::kErrors
                    : fail == "warnings" ? FailOn::kWarnings
                                         : FailOn::kNever;
  ReadSeverities(p, &options.severities);
  PENSTOCK_TRY(p.Finish());
  return options;
}

}  // namespace penstock::audit
