// What is logged of runs.
#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/gateway/mlflow/run_filter.h"
#include "operator/metadata/logged_models.h"

namespace penstock::gateway {

using metadata::Experiment;
using metadata::MetricPoint;
using metadata::TrackedRun;

namespace {

constexpr std::size_t kMostMetrics = 1'000;  // of one request

TimePoint TimeOf(std::int64_t milliseconds) { return TimePoint(Milliseconds(milliseconds)); }

// MLflow's word for where the run stands, into the record.
Result<void> TakeStatus(const std::string& status, metadata::RunRecord& r) {
  if (status == "RUNNING" || status == "SCHEDULED") {
    r.phase = status == "RUNNING" ? "Running" : "Pending";
    r.outcome.clear();
    return {};
  }
  const std::pair<const char*, const char*> ends[]{
      {"FINISHED", "Succeeded"}, {"FAILED", "Failed"}, {"KILLED", "Cancelled"}};
  for (const auto& [theirs, ours] : ends) {
    if (status != theirs) continue;
    r.phase = r.outcome = ours;
    return {};
  }
  return Invalid("status: '" + plan::Shown(status, 40) +
                 "' is none of SCHEDULED, RUNNING, FINISHED, FAILED and KILLED");
}

Result<Json> Changed(const MlflowCall& call, const std::function<Result<void>(TrackedRun&)>& change,
                     const std::vector<MetricPoint>& points = {}) {
  PENSTOCK_ASSIGN(const std::string id, RunIdOf(call.asked));
  const auto bounded = [&](TrackedRun& run) -> Result<void> {
    PENSTOCK_TRY(CheckStands(run));
    PENSTOCK_TRY(change(run));
    std::size_t metrics = run.metrics.size();
    for (const MetricPoint& p : points) metrics += run.metrics.contains(p.name) ? 0 : 1;
    if (std::max({run.parameters.size(), run.tags.size(), run.models.size(), metrics}) > kMostNames)
      return Invalid("a run has at most 2,000 parameters, tags, metrics and models each");
    return {};
  };
  const auto changed = call.parts.tracking->Change(call.ns, id, bounded, points, call.stop);
  if (!changed) return changed.error();
  return Json::object();
}

Result<Json> SetDeleted(const MlflowCall& call, bool deleted) {
  PENSTOCK_ASSIGN(const std::string id, RunIdOf(call.asked));
  const auto changed = call.parts.tracking->Change(
      call.ns, id,
      [&](TrackedRun& run) {
        run.deleted = deleted;
        return Result<void>();
      },
      {}, call.stop);
  if (!changed) return changed.error();
  return Json::object();
}
// A parameter is said once: what a run was started with does not change.
Result<void> AddParameters(const TextMap& parameters, TrackedRun& run) {
  for (const auto& [key, value] : parameters) {
    const auto [entry, is_new] = run.parameters.emplace(key, value);
    if (!is_new && entry->second != value)
      return Invalid("the parameter " + key + " has the value '" + plan::Shown(entry->second, 100) +
                     "' already, and is not changed to '" + plan::Shown(value, 100) + "'");
  }
  return {};
}

}  // namespace

Result<TextMap> OnePair(const Asked& asked, std::size_t longest) {
  PENSTOCK_ASSIGN(const std::string key, asked.Text("key"));
  PENSTOCK_ASSIGN(const std::string value, asked.Text("value"));
  return ReadPairs({Json{{"key", key}, {"value", value}}}, longest);
}

Result<void> CheckStands(const TrackedRun& run) {
  if (!run.deleted) return {};
  return Invalid("the run " + run.record.uid + " is deleted; restore it first");
}

Result<Json> CreateRun(const MlflowCall& call) {
  PENSTOCK_ASSIGN(std::string id, call.asked.Text("experiment_id"));
  if (id.empty()) id = kDefaultExperiment;
  PENSTOCK_ASSIGN(const Experiment experiment, FindOrMakeExperiment(call, id));
  TrackedRun run;
  run.experiment = experiment.id;
  PENSTOCK_ASSIGN(const auto pairs, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(run.tags, ReadPairs(pairs, kLongestTag));
  metadata::RunRecord& r = run.record;
  r.uid = RandomLetters("0123456789abcdef", 32);
  r.namespace_ = call.ns;
  PENSTOCK_ASSIGN(r.name, call.asked.Text("run_name"));
  if (r.name.empty()) r.name = NameOf(run);
  if (r.name.empty()) r.name = "run-" + r.uid.substr(0, 8);
  if (r.name.size() > kLongestName) return Invalid("run_name is over 500 bytes");
  run.tags["mlflow.runName"] = r.name;
  r.pipeline = experiment.name;
  r.cause = metadata::kTrackedCause;
  r.phase = "Running";
  // By the token; what the program says of itself is a tag of its own.
  r.user = call.caller.user;
  r.created = call.parts.clock->Now();
  PENSTOCK_ASSIGN(const auto start, call.asked.Whole("start_time"));
  r.started = start && *start > 0 ? TimeOf(*start) : *r.created;
  PENSTOCK_TRY(call.parts.tracking->Begin(run, call.stop));
  return Json{{"run", RunJson(run)}};
}

Result<Json> GetRun(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, RunIdOf(call.asked));
  PENSTOCK_ASSIGN(const TrackedRun run, call.parts.tracking->Get(call.ns, id));
  return Json{{"run", RunJson(run)}};
}

Result<Json> UpdateRun(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, RunIdOf(call.asked));
  PENSTOCK_ASSIGN(const std::string status, call.asked.Text("status"));
  PENSTOCK_ASSIGN(const std::string name, call.asked.Text("run_name"));
  PENSTOCK_ASSIGN(const auto end, call.asked.Whole("end_time"));
  if (name.size() > kLongestName) return Invalid("run_name is over 500 bytes");
  const auto changed = call.parts.tracking->Change(
      call.ns, id,
      [&](TrackedRun& run) {
        if (auto stands = CheckStands(run); !stands) return stands;
        if (!name.empty()) run.tags["mlflow.runName"] = name;
        if (status.empty()) return Result<void>();
        auto taken = TakeStatus(status, run.record);
        if (!taken) return taken;
        run.record.finished = std::nullopt;
        if (!run.record.outcome.empty())
          run.record.finished = end && *end > 0 ? TimeOf(*end) : call.parts.clock->Now();
        return taken;
      },
      {}, call.stop);
  if (!changed) return changed.error();
  return Json{{"run_info", RunJson(*changed)["info"]}};
}

Result<Json> DeleteRun(const MlflowCall& call) { return SetDeleted(call, true); }
Result<Json> RestoreRun(const MlflowCall& call) { return SetDeleted(call, false); }

Result<Json> LogMetric(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const MetricPoint point, call.asked.Metric());
  PENSTOCK_ASSIGN(const auto of_models, ModelPointsOf(call, {call.asked.body()}));
  PENSTOCK_TRY(Changed(call, [](TrackedRun&) { return Result<void>(); }, {point}));
  PENSTOCK_TRY(LogModelPoints(call, of_models));
  return Json::object();
}

Result<Json> LogOutputs(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto models, call.asked.Objects("models", kMostPairs));
  std::map<std::string, std::int64_t> steps;
  for (const Json& model : models) {
    const Asked asked(model);
    PENSTOCK_ASSIGN(const std::string id, asked.Needed("model_id", kLongestName));
    PENSTOCK_ASSIGN(const auto step, asked.Whole("step"));
    PENSTOCK_TRY(metadata::LoggedModels(*call.parts.tracking).Get(call.ns, id));
    steps[id] = step.value_or(0);
  }
  return Changed(call, [&](TrackedRun& run) {
    for (const auto& [id, step] : steps) run.models[id] = step;
    return Result<void>();
  });
}

Result<Json> LogParameter(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const TextMap pair, OnePair(call.asked, kLongestParameter));
  return Changed(call, [&](TrackedRun& run) { return AddParameters(pair, run); });
}

Result<Json> SetTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const TextMap pair, OnePair(call.asked, kLongestTag));
  return Changed(call, [&](TrackedRun& run) {
    for (const auto& [key, value] : pair) run.tags[key] = value;
    return Result<void>();
  });
}

Result<Json> DeleteTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("key", 250));
  return Changed(call, [&](TrackedRun& run) -> Result<void> {
    if (run.tags.erase(key) == 0) return NotFound("the run has no tag " + plan::Shown(key, 80));
    return {};
  });
}

Result<Json> LogBatch(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto metrics, call.asked.Objects("metrics", kMostMetrics));
  PENSTOCK_ASSIGN(const auto given, call.asked.Objects("params", kMostPairs));
  PENSTOCK_ASSIGN(const auto tagged, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(const TextMap parameters, ReadPairs(given, kLongestParameter));
  PENSTOCK_ASSIGN(const TextMap tags, ReadPairs(tagged, kLongestTag));
  std::vector<MetricPoint> points;
  for (const Json& metric : metrics) {
    PENSTOCK_ASSIGN(MetricPoint point, Asked(metric).Metric());
    points.push_back(std::move(point));
  }
  PENSTOCK_ASSIGN(const auto of_models, ModelPointsOf(call, metrics));
  PENSTOCK_TRY(Changed(
      call,
      [&](TrackedRun& run) {
        for (const auto& [key, value] : tags) run.tags[key] = value;
        return AddParameters(parameters, run);
      },
      points));
  PENSTOCK_TRY(LogModelPoints(call, of_models));
  return Json::object();
}

}  // namespace penstock::gateway
