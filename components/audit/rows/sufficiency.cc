#include "components/audit/rows/sufficiency.h"

#include <algorithm>
#include <cmath>

#include "components/sdk/delong.h"

namespace penstock::audit {
namespace {

// The variance of an AUC, of exponential scores.
double HanleyMcNeil(double auc, double positives, double negatives) {
  const double q1 = auc / (2 - auc);
  const double q2 = 2 * auc * auc / (1 + auc);
  return (auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) +
          (negatives - 1) * (q2 - auc * auc)) /
         (positives * negatives);
}

double WilsonHalfWidth(double share, double n, double z) {
  return z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n);
}

}  // namespace

std::optional<Precision> Foreseen(const std::string& metric, double expected, std::int64_t rows,
                                  std::int64_t positives, double confidence) {
  const double z = sdk::NormalQuantile(0.5 + confidence / 2);
  Precision precision{metric, expected, 0, rows, false};
  if (rows < 1) return std::nullopt;
  const auto n = double(rows);
  if (metric == "auc") {
    if (positives < 1 || positives >= rows) return std::nullopt;
    precision.half_width =
        z * std::sqrt(HanleyMcNeil(expected, double(positives), n - double(positives)));
  } else if (metric == "accuracy") {
    precision.half_width = WilsonHalfWidth(expected, n, z);
  } else if (metric == "rmse") {
    precision.half_width = z / std::sqrt(2 * n);
  } else {
    return std::nullopt;
  }
  return precision;
}

std::optional<Precision> Measured(const Json& report, const std::string& metric) {
  const Json& overall = report.contains("overall") ? report["overall"] : report;
  const auto number = [](const Json& m, const char* key) {
    return m.is_object() && m.contains(key) && m[key].is_number();
  };
  for (const std::string& name :
       {metric, std::string("auc"), std::string("accuracy"), std::string("rmse")}) {
    if (name.empty() || name == "auto" || !overall.is_object() || !overall.contains(name)) continue;
    const Json& m = overall[name];
    if (!number(m, "value") || !number(m, "low") || !number(m, "high")) continue;
    Precision p{name, m["value"], (m["high"].get<double>() - m["low"].get<double>()) / 2, 0, true};
    if (number(m, "rows")) p.rows = m["rows"];
    if (name == "rmse" && p.value > 0) p.half_width /= p.value;
    return p;
  }
  return std::nullopt;
}

void SaySufficiency(const std::string& part, const Precision& p, std::optional<double> wanted,
                    Findings* findings) {
  if (!wanted || p.half_width <= *wanted) return;
  const double needed = std::ceil(double(p.rows) * std::pow(p.half_width / *wanted, 2));
  findings->Add({"sufficiency",
                 Severity::kError,
                 part,
                 part + " is too small: with " + std::to_string(p.rows) + " rows " + p.metric +
                     (p.measured ? " is " : " would be ") + Short(p.value) + " within " +
                     Short(p.half_width) + (p.metric == "rmse" ? " of itself" : "") +
                     ", and a difference of " + Short(*wanted) + " is wanted: some " +
                     std::to_string(std::int64_t(needed)) + " rows would tell it",
                 {{"precision", ToJson(p)}, {"wanted", *wanted}, {"rowsNeeded", needed}}});
}

void SayMetricsDisagree(const Precision& valid, const Precision& test, double confidence,
                        Findings* findings) {
  if (valid.metric != test.metric) return;
  const double z = sdk::NormalQuantile(0.5 + confidence / 2);
  const auto error = [&](const Precision& p) {
    return p.half_width * (p.metric == "rmse" ? p.value : 1) / z;
  };
  const double error_of_both = std::hypot(error(valid), error(test));
  const double apart = valid.value - test.value;
  if (!(std::abs(apart) > sdk::NormalQuantile(0.9995) * error_of_both)) return;
  findings->Add(
      {"partsDisagree",
       Severity::kWarning,
       "valid, test",
       valid.metric + " is " + Short(valid.value) + " on valid and " + Short(test.value) +
           " on test, apart by more than chance would (standard error " + Short(error_of_both) +
           "): what is chosen on the one does not tell the other. Split again (by time or "
           "group where rows belong together)",
       {{"valid", ToJson(valid)}, {"test", ToJson(test)}}});
}

Json ToJson(const Precision& p) {
  return {{"metric", p.metric},
          {"value", p.value},
          {"halfWidth", p.half_width},
          {"rows", p.rows},
          {"measured", p.measured}};
}

}  // namespace penstock::audit
