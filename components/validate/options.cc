#include "components/validate/options.h"

#include "components/model_format/column.h"
#include "components/sdk/step.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

void ReadSeverities(sdk::Parameters& p, Options& options) {
  const Json severities = p.Object("severities");
  for (const auto& [key, value] : severities.items()) {
    const std::string type = key.substr(0, key.find('/'));
    if (!IsAnomalyType(type)) {
      return p.Fail("severities: there is no anomaly '" + plan::Shown(type, 80) + "'" +
                    DidYouMean(type, AnomalyTypes()));
    }
    const auto severity =
        value.is_string() ? ParseSeverity(value.get<std::string>()) : std::nullopt;
    if (!severity)
      return p.Fail("severities." + plan::Shown(key, 120) + ": must be error, warn or info");
    options.severities[key] = *severity;
  }
}

// ["mail", "phone"] as kinds.
std::set<personal::Kind> KindsOf(sdk::Parameters& p, const std::string& key, const Json& names) {
  std::set<personal::Kind> kinds;
  if (!names.is_array()) p.Fail(key + ": must be a list of kinds");
  for (const auto& name : names) {
    const auto kind =
        name.is_string() ? personal::ParseKind(name.get<std::string>()) : std::nullopt;
    if (kind) {
      kinds.insert(*kind);
    } else {
      p.Fail(key + ": must be of mail, phone, card, residentNumber, iban, ipv4");
    }
  }
  return kinds;
}

double NumberOf(sdk::Parameters& p, const Json& given, const char* key, double fallback,
                double least, double most) {
  if (!given.contains(key)) return fallback;
  const bool right = given[key].is_number() && given[key] >= least && given[key] <= most;
  if (right) return given[key].get<double>();
  p.Fail("personalData." + std::string(key) + ": must be a number from " + Json(least).dump() +
         " to " + Json(most).dump());
  return fallback;
}

void ReadPersonal(sdk::Parameters& p, Options& options) {
  auto& scan = options.personal;
  for (std::size_t k = 0; k < personal::kKinds; ++k) scan.kinds.insert(personal::Kind(k));
  const Json given = p.Object("personalData");
  for (const auto& [key, value] : given.items()) {
    if (key == "kinds") {
      scan.kinds = KindsOf(p, "personalData.kinds", value);
    } else if (key == "severity") {
      const auto severity =
          value.is_string() ? ParseSeverity(value.get<std::string>()) : std::nullopt;
      if (!severity) p.Fail("personalData.severity: must be error, warn or info");
      scan.severity = severity.value_or(Severity::kWarn);
    } else if (key == "expected") {
      if (!value.is_object()) p.Fail("personalData.expected: must be {column: [kinds]}");
      for (const auto& [column, kinds] : value.items()) {
        scan.expected[column] = KindsOf(p, "personalData.expected." + column, kinds);
      }
    } else if (key != "share" && key != "sample") {
      p.Fail("personalData has kinds, share, sample, severity and expected, not '" +
             plan::Shown(key, 80) + "'");
    }
  }
  scan.share = NumberOf(p, given, "share", 0.01, 0, 1);
  scan.sample = std::int64_t(NumberOf(p, given, "sample", 10'000, 1, 1e9));
}

}  // namespace

Result<Options> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  Options options;
  options.environment = p.String("environment", "");
  const Json rules = p.List("rules");
  const std::string now = p.String("now", "");
  ReadSeverities(p, options);
  ReadPersonal(p, options);
  const std::string on_error = p.OneOf("onError", "Withhold", {"Withhold", "Report", "Fail"});
  if (on_error != "Withhold")
    options.on_error = on_error == "Fail" ? OnError::kFail : OnError::kReport;
  const std::string aside = p.OneOf("quarantine", "Rules", {"Rules", "All", "None"});
  if (aside != "Rules") options.set_aside = aside == "All" ? SetAside::kAll : SetAside::kNone;
  if (!now.empty()) {
    options.now = sdk::ParseTimestamp(now);
    if (!options.now) p.Fail("now: must be a time such as 2013-01-31T06:00:00Z");
  }
  PENSTOCK_TRY(p.Finish());
  auto parsed = ParseRules(rules);
  if (!parsed) return Wrap("parameter", parsed.error());
  options.rules = std::move(*parsed);
  return options;
}

void Grade(const Options& options, std::vector<Anomaly>& anomalies) {
  for (auto& anomaly : anomalies) {
    if (!anomaly.rule.empty() || anomaly.type == "PERSONAL_DATA") continue;  // say it themselves
    auto at = options.severities.find(anomaly.type + "/" + anomaly.column);
    if (at == options.severities.end()) at = options.severities.find(anomaly.type);
    if (at != options.severities.end()) anomaly.severity = at->second;
  }
}

}  // namespace penstock::validate
