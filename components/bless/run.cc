#include "components/bless/run.h"

#include <cstdio>
#include <filesystem>

#include "components/bless/serving.h"
#include "components/bless/several.h"
#include "components/bless/verdict.h"
#include "components/evaluate/several.h"
#include "components/model_format/label_models.h"
#include "components/sdk/metrics.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
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
  t.label = fields.String("label", "");
  if (!t.min && !t.max) fields.Fail("min: or max is required");
  if (auto ok = CheckThreshold(t); !ok) fields.Fail(ok.error().message);
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
  o.on_unscorable = p.OneOf("onUnscorableBaseline", "Bless", {"Bless", "Refuse"}) == "Bless"
                        ? OnUnscorable::kBless
                        : OnUnscorable::kRefuse;
  o.person = p.OptionalNumber("person");
  PENSTOCK_TRY(p.Finish());
  return o;
}

Json ReportOf(const Verdict& v, const evaluate::Refusal& refused) {
  Json checks = Json::array();
  for (const auto& c : v.checks) {
    checks.push_back({{"name", c.name}, {"passed", c.passed}, {"message", c.message}});
  }
  const sdk::Metric value = v.value();
  Json report = {
      {"blessed", v.blessed},       {"reason", v.reason},
      {"metric", v.metric},         {"value", value.defined() ? Json(value.value) : Json()},
      {"defined", value.defined()}, {"lines", ToJson(v.lines)},
      {"checks", checks},           {"metrics", ToJson(v.metrics)}};
  if (refused.row >= 0) {
    report["refused"] = {
        {"row", refused.row}, {"column", refused.column}, {"value", refused.value}};
  }
  return report;
}

Result<Verdict> VerdictOf(const Served& served, const sdk::Step& step, const std::string& dataset,
                          const BlessOptions& options) {
  if (!served.scored) {
    return Unjudged(served.check, options.metric.empty() ? served.metric : options.metric);
  }
  std::optional<Result<evaluate::Scored>> baseline;
  if (step.HasInput("baseline")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("baseline"));
    baseline = evaluate::ScoreModel(path, dataset);
    if (!*baseline && !IsVerdict(baseline->error())) return Wrap("baseline", baseline->error());
  }
  return Judge(*served.scored, baseline, options, served.check);
}

// The answers of another model of several labels.
Result<std::vector<evaluate::Scored>> ScoreAll(const std::string& model,
                                               const std::string& dataset) {
  PENSTOCK_ASSIGN(const auto labels, sdk::LoadLabelsManifest(model));
  if (!labels) return Invalid("it is a model of one label");
  std::vector<evaluate::Scored> all;
  for (const sdk::LabelModel& label : labels->labels) {
    PENSTOCK_ASSIGN(const auto served, evaluate::LoadServed(model + "/" + label.folder));
    PENSTOCK_ASSIGN(all.emplace_back(),
                    evaluate::Score(served, dataset, nullptr, evaluate::OnRefused::kFail,
                                    evaluate::OnUnlabelled::kLeaveOut));
  }
  return all;
}

Result<Verdict> VerdictOfSeveral(const ServedSeveral& served, const sdk::Step& step,
                                 const std::string& dataset, const BlessOptions& options) {
  if (served.scored.empty()) {
    return Unjudged(served.check,
                    options.metric.empty() ? evaluate::kLabelsMetric : options.metric);
  }
  std::optional<Result<std::vector<evaluate::Scored>>> baseline;
  if (step.HasInput("baseline")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("baseline"));
    baseline = ScoreAll(path, dataset);
    if (!*baseline && !IsVerdict(baseline->error())) return Wrap("baseline", baseline->error());
  }
  return JudgeSeveral(served.scored, baseline, options, served.check);
}

struct Judged {
  Verdict verdict;
  evaluate::Refusal refused;
  std::optional<std::size_t> rows;  // where all are answered
};

Result<Judged> JudgeModel(const sdk::Step& step, const std::string& model,
                          const std::string& dataset, const BlessOptions& options) {
  const auto labels = sdk::LoadLabelsManifest(model);
  if (labels && *labels) {
    PENSTOCK_ASSIGN(auto served, ServeTestRowsOfAll(model, **labels, dataset));
    PENSTOCK_ASSIGN(auto verdict, VerdictOfSeveral(served, step, dataset, options));
    std::optional<std::size_t> rows;
    if (!served.scored.empty()) {
      evaluate::JoinedLabels joined;
      for (const auto& scored : served.scored) joined.Add(scored);
      rows = joined.rows();
    }
    return Judged{std::move(verdict), std::move(served.refused), rows};
  }
  PENSTOCK_ASSIGN(auto served, ServeTestRows(model, dataset));
  if (!labels && !served.scored) {
    served.check.message = "no server loads the model: " + labels.error().message;
  }
  PENSTOCK_ASSIGN(auto verdict, VerdictOf(served, step, dataset, options));
  std::optional<std::size_t> rows;
  if (served.scored) rows = served.scored->labels.size();
  return Judged{std::move(verdict), std::move(served.refused), rows};
}

void Print(const Verdict& verdict) {
  for (const auto& check : verdict.checks) {
    std::printf("%s %s: %s\n", check.passed ? "holds" : "FAILS", check.name.c_str(),
                check.message.c_str());
  }
  if (verdict.metrics.empty()) return;
  std::printf("%s\n", Describe(verdict.lines, verdict.value()).c_str());
}

namespace fs = std::filesystem;

Result<void> CopyModel(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  // Inputs are read-only, their folders too: fs::copy would make folders that nothing can be
  // written into. An output may be changed by whoever owns it.
  for (fs::recursive_directory_iterator entry(from, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path target = to / entry->path().lexically_relative(from);
    if (entry->is_directory(error)) {
      fs::create_directory(target, error);
      continue;
    }
    fs::copy_file(entry->path(), target, error);
    if (!error) fs::permissions(target, fs::perms::owner_write, fs::perm_options::add, error);
    if (error) return FromErrno("copy the model to " + target.string(), error.value());
  }
  if (error) return FromErrno("copy the model to " + to.string(), error.value());
  return {};
}

}  // namespace

Result<void> RunBless(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("model"));
  PENSTOCK_ASSIGN(const auto verdict_file, step.OutputPath("verdict"));
  PENSTOCK_ASSIGN(const auto judged, JudgeModel(step, model, dataset, options));
  const Verdict& verdict = judged.verdict;
  Print(verdict);
  if (verdict.blessed) PENSTOCK_TRY(CopyModel(model, output));
  const Json report = ReportOf(verdict, judged.refused);
  PENSTOCK_TRY(WriteFileAtomically(verdict_file, report.dump(1) + "\n"));
  const sdk::Metric value = verdict.value();
  PENSTOCK_TRY(step.WriteResult("blessed", verdict.blessed));
  PENSTOCK_TRY(step.WriteResult("reason", plan::Shown(verdict.reason)));
  PENSTOCK_TRY(step.WriteResult("metric", verdict.metric));
  PENSTOCK_TRY(step.WriteResult("defined", value.defined()));
  PENSTOCK_TRY(
      step.WriteResult("value", value.defined() ? value.value : sdk::WorstOf(verdict.metric)));
  PENSTOCK_TRY(step.WriteResult("lines", ToJson(verdict.lines)));
  Json values = ValuesOf(verdict.metrics);
  if (judged.rows) values["rows"] = *judged.rows;
  return step.WriteResult("metrics", values);
}

}  // namespace penstock::bless
