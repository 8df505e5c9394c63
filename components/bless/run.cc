#include "components/bless/run.h"

#include <cstdio>
#include <filesystem>

#include "components/bless/verdict.h"
#include "components/sdk/metrics.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

Threshold ReadThreshold(const Json& value, sdk::Parameters& p) {
  Threshold t;
  if (!value.is_object()) {
    p.Fail("thresholds: takes objects such as {metric: auc, min: 0.7}");
    return t;
  }
  sdk::Parameters fields(value);
  t.metric = fields.RequiredString("metric");
  t.min = fields.OptionalNumber("min");
  t.max = fields.OptionalNumber("max");
  if (!t.min && !t.max) fields.Fail("min: or max is required");
  if (auto ok = fields.Finish(); !ok) p.Fail("thresholds: " + ok.error().message);
  return t;
}

Result<BlessOptions> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  BlessOptions o;
  for (const auto& value : p.List("thresholds")) o.thresholds.push_back(ReadThreshold(value, p));
  o.beat_dummy = p.Boolean("beatDummy", true);
  o.must_beat_baseline = p.Boolean("mustBeatBaseline", false);
  o.tolerance = p.Number("tolerance", 0, 0, 1e300);
  o.metric = p.String("metric", "");
  o.confidence = p.Number("confidence", 0.95, 0.5, 0.9999);
  PENSTOCK_TRY(p.Finish());
  return o;
}

Json ReportOf(const Verdict& v, const evaluate::Scored& candidate) {
  Json checks = Json::array();
  for (const auto& c : v.checks) {
    checks.push_back({{"name", c.name}, {"passed", c.passed}, {"message", c.message}});
  }
  return {{"blessed", v.blessed},
          {"reason", v.reason},
          {"metric", v.metric},
          {"value", v.value},
          {"checks", checks},
          {"metrics", ComputeMetrics(candidate.manifest, candidate.raw, candidate.labels)}};
}

Result<void> CopyModel(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(to, error);
  if (!error) fs::copy(from, to, fs::copy_options::recursive, error);
  if (error) return FromErrno("copy the model to " + to, error.value());
  // Inputs are read-only; an output may be changed by whoever owns it.
  for (const auto& entry : fs::recursive_directory_iterator(to, error)) {
    fs::permissions(entry, fs::perms::owner_write, fs::perm_options::add, error);
  }
  return {};
}

}  // namespace

Result<void> RunBless(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("model"));
  PENSTOCK_ASSIGN(const auto verdict_file, step.OutputPath("verdict"));
  PENSTOCK_ASSIGN(const auto candidate, evaluate::ScoreModel(model, dataset));
  std::optional<evaluate::Scored> baseline;
  if (step.HasInput("baseline")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("baseline"));
    auto scored = evaluate::ScoreModel(path, dataset);
    if (!scored) return Wrap("baseline", scored.error());
    baseline = std::move(*scored);
  }
  PENSTOCK_ASSIGN(const auto verdict, Judge(candidate, baseline, options));
  for (const auto& check : verdict.checks) {
    std::printf("%s %s: %s\n", check.passed ? "holds" : "FAILS", check.name.c_str(),
                check.message.c_str());
  }
  if (verdict.blessed) PENSTOCK_TRY(CopyModel(model, output));
  const Json report = ReportOf(verdict, candidate);
  PENSTOCK_TRY(WriteFileAtomically(verdict_file, report.dump(1) + "\n"));
  PENSTOCK_TRY(step.WriteResult("blessed", verdict.blessed));
  PENSTOCK_TRY(step.WriteResult("reason", verdict.reason));
  PENSTOCK_TRY(step.WriteResult("metric", verdict.metric));
  PENSTOCK_TRY(step.WriteResult("value", verdict.value));
  return step.WriteResult("metrics", report["metrics"]);
}

}  // namespace penstock::bless
