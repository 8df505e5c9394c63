#include "operator/views/step_rows.h"

#include <algorithm>
#include <set>

#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/values/indexes.h"
#include "operator/protocol/step_metrics.h"
#include "operator/views/run/json_out.h"

namespace penstock::views {
namespace {

constexpr std::size_t kMostReceipts = 200;

// "train-1.4.0"
void PutComponent(const std::string& component, Json& row) {
  const auto dash = component.rfind('-');
  if (component.empty()) return;
  row["component"] = component.substr(0, dash);
  if (dash != std::string::npos) row["version"] = component.substr(dash + 1);
}

std::size_t CountOf(const std::string& indexes) {
  return plan::ParseIndexes(indexes, api::kMaxItems).size();
}

TimePoint AtMs(std::int64_t ms) { return TimePoint(Milliseconds(ms)); }

// The child's own times, which only the receipt has.
void PutReceiptTimes(const Place& place, const api::PipelineRun& run, const api::StepStatus& step,
                     Json& times) {
  const auto receipt = place.store().GetReceipt(run.meta.namespace_, run.meta.uid, step.pod);
  if (!receipt || receipt->started_ms == 0) return;  // none was written, or it is gone
  Put(times, "fetchStarted", step.start_time);
  times["started"] = FormatTime(AtMs(receipt->started_ms));
  times["uploadStarted"] = FormatTime(AtMs(receipt->finished_ms));
}

Json ProgressOf(const StepProgress& p) {
  Json told{{"done", p.done}, {"total", p.total}};
  if (const auto left = p.LeftMs()) told["left"] = FormatDuration(Milliseconds(*left));
  return told;
}

// Of one that runs: how far it is, where it says so.
void PutProgress(const Place& place, const api::PipelineRun& run, const api::StepStatus& step,
                 Json& row) {
  const auto text = place.store().GetMetrics(run.meta.namespace_, run.meta.uid, step.pod);
  if (!text) return;  // it has said nothing
  if (const auto progress = StepMetrics::ProgressIn(*text)) row["progress"] = ProgressOf(*progress);
}

Json RowOfStep(const Place& place, const KnownRun& run, const plan::ResolvedStep* spec,
               const api::StepStatus& step, bool with_receipt) {
  Json row{{"name", step.name},
           {"phase", api::Name(step.phase)},
           {"attempt", step.attempts},
           {"attempts", step.attempts},
           {"cached", step.cached}};
  Put(row, "reason", step.reason);
  Put(row, "message", step.message);
  Put(row, "cachedFrom", step.cached_from);
  Put(row, "run", step.run);
  if (spec != nullptr) {
    PutComponent(spec->component, row);
    Put(row, "image", spec->container.image);
  }
  Json times = Json::object();
  Put(times, "started", step.start_time);
  Put(times, "finished", step.finish_time);
  if (with_receipt && !step.pod.empty() && step.phase == api::StepPhase::kSucceeded)
    PutReceiptTimes(place, run.run, step, times);
  row["times"] = std::move(times);
  if (with_receipt && !step.pod.empty() && step.phase == api::StepPhase::kRunning)
    PutProgress(place, run.run, step, row);
  if (step.items)
    row["items"] = {{"total", step.items->total},
                    {"succeeded", CountOf(step.items->succeeded_indexes)},
                    {"failed", CountOf(step.items->failed_indexes)},
                    {"skipped", CountOf(step.items->skipped_indexes)},
                    {"running", step.items->running}};
  return row;
}

// A step of a run that is too large for its status: only how it stands is known.
api::StepStatus WithoutEntry(const std::string& name, bool succeeded, bool skipped) {
  api::StepStatus step;
  step.name = name;
  if (succeeded) step.phase = api::StepPhase::kSucceeded;
  if (skipped) step.phase = api::StepPhase::kSkipped;
  return step;
}

}  // namespace

Result<Json> MetricsView(const Place& place, const KnownRun& run, const std::string& pod,
                         const std::vector<std::string>& names) {
  Json view{{"series", Json::array()}};
  const api::ObjectMeta& meta = run.run.meta;
  const auto text = place.store().GetMetrics(meta.namespace_, meta.uid, pod);
  if (!text && text.error().kind == ErrorKind::kNotFound) return view;
  if (!text) return text.error();
  PENSTOCK_ASSIGN(const StepMetrics metrics, StepMetrics::Parse(*text));
  for (const auto& [name, points] : metrics.series()) {
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    Json list = Json::array();
    for (const StepPoint& p : points)
      list.push_back({p.step, p.value, FormatTime(TimePoint(Milliseconds(p.time_ms)))});
    view["series"].push_back({{"name", name}, {"points", std::move(list)}});
  }
  if (metrics.progress()) view["progress"] = ProgressOf(*metrics.progress());
  return view;
}

Json StepRows(const Place& place, const KnownRun& run) {
  Json rows = Json::array();
  const auto add = [&](const plan::ResolvedStep* spec, const api::StepStatus& step) {
    rows.push_back(RowOfStep(place, run, spec, step, rows.size() < kMostReceipts));
  };
  const api::PipelineRunStatus& status = run.run.status;
  if (!run.resolved) {
    for (const api::StepStatus& step : status.steps) add(nullptr, step);
    return rows;
  }
  std::map<std::string, const api::StepStatus*> entries;
  for (const api::StepStatus& step : status.steps) entries[step.name] = &step;
  const auto& steps = run.resolved->steps;
  const auto indexes = [&](const std::string& text) {
    const auto list = plan::ParseIndexes(text, steps.size());
    return std::set<std::size_t>(list.begin(), list.end());
  };
  const auto succeeded = indexes(status.succeeded_indexes),
             skipped = indexes(status.skipped_indexes);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto entry = entries.find(steps[i].name);
    if (entry != entries.end())
      add(&steps[i], *entry->second);
    else
      add(&steps[i], WithoutEntry(steps[i].name, succeeded.contains(i), skipped.contains(i)));
  }
  return rows;
}

namespace {

// The newest attempt of an item, of which a status keeps nothing: the last whose pod stands, or a
// later one whose log does; 1 where neither does.
Result<int> NewestAttempt(const Place& place, const KnownRun& run, const std::string& step,
                          int item, const std::stop_token& stop) {
  const api::ObjectMeta& meta = run.run.meta;
  const std::string labels = std::string(plan::kLabelRunUid) + "=" + meta.uid + "," +
                             plan::kLabelStep + "=" + step + "," + plan::kLabelItem + "=" +
                             std::to_string(item);
  PENSTOCK_ASSIGN(const auto pods, place.List(kube::kPods, meta.namespace_, labels, stop));
  int newest = 1;
  for (const Json& pod : pods) newest = std::max(newest, plan::DecodePod(pod).attempt);
  for (;; ++newest) {
    LogAsk next;
    next.ns = meta.namespace_;
    next.pod = plan::PodName(meta.name, meta.uid, step, newest + 1, item);
    next.run_uid = meta.uid;
    next.limit = 1;
    const auto log = place.Log(next, stop);
    if (!log && log.error().kind == ErrorKind::kNotFound) return newest;
    if (!log) return log.error();
  }
}

}  // namespace

Result<std::string> PodOf(const Place& place, const KnownRun& run, const std::string& name,
                          std::optional<int> attempt, std::optional<int> item,
                          const std::stop_token& stop) {
  const api::StepStatus* step = run.Step(name);
  if (step == nullptr) return NotFound("step " + name + " has not started");
  const api::ObjectMeta& meta = run.run.meta;
  if (item) {
    if (!step->items) return NotFound("step " + name + " is no loop: it has no items");
    if (!attempt) {
      PENSTOCK_ASSIGN(attempt, NewestAttempt(place, run, name, *item, stop));
    }
    return plan::PodName(meta.name, meta.uid, name, *attempt, item);
  }
  if (step->items)
    return NotFound("step " + name + " runs once for each item: give item=0 to " +
                    std::to_string(std::max(0, step->items->total - 1)));
  if (!step->run.empty())
    return NotFound("step " + name + " is a Pipeline: its run is " + step->run);
  if (step->cached)
    return NotFound("step " + name + " came from the cache" +
                    (step->cached_from.empty() ? "" : ", made by run " + step->cached_from));
  if (!attempt || *attempt == step->attempts) {
    if (step->pod.empty()) return NotFound("step " + name + " has no pod yet");
    return step->pod;
  }
  if (*attempt < 1 || *attempt > step->attempts)
    return NotFound("step " + name + " has " + std::to_string(step->attempts) + " attempts");
  const auto attempts = place.history().Attempts(meta.uid, name);
  if (attempts)
    for (const metadata::StepRecord& a : *attempts)
      if (a.attempt == *attempt && !a.pod.empty()) return a.pod;
  return plan::PodName(meta.name, meta.uid, name, *attempt);
}

}  // namespace penstock::views
