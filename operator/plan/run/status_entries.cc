#include "operator/plan/run/status_entries.h"

#include <algorithm>
#include <set>
#include <utility>

#include "operator/base/json.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/run/run_so_far.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/values/indexes.h"
#include "operator/plan/values/value_source.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

std::size_t Written(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).size();
}

std::size_t SizeOf(const api::StepStatus& s) {
  std::size_t n = 220 + s.name.size() + s.reason.size() + Written(s.message) + s.cache_key.size() +
                  Written(s.cache_miss) + s.cached_from.size() + s.pod.size() + s.run.size();
  for (const auto& o : s.outputs) n += 90 + o.name.size() + o.type.size() + o.digest.size();
  for (const auto& [name, print] : s.sources) n += 8 + name.size() + print.size();
  if (s.items) {
    n += 200 + s.items->succeeded_indexes.size() + s.items->failed_indexes.size() +
         s.items->skipped_indexes.size();
    for (const auto& failure : s.items->first_failures) n += Written(failure);
  }
  if (s.last_good) n += 90 + s.last_good->run.size();
  for (const auto& [name, value] : s.results) n += 8 + name.size() + Written(value);
  return n;
}

// The steps that a value names.
void AddSteps(const Json& value, std::set<std::string>& steps) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // said when the run was resolved
  CollectReferences(value, "", found, ignored);
  for (const FoundReference& f : found)
    if (f.reference.Is({"steps", "*"})) steps.insert(f.reference.path[1]);
}

// Outputs and results of these are still to be used.
std::set<std::string> Needed(const RunObserved& o, const std::vector<StepState>& steps) {
  std::set<std::string> needed;
  for (const StepState& s : steps)
    if (s.kind != StepState::Kind::kFinal)
      for (const api::Dependency& d : s.step->depends_on) needed.insert(d.step);
  if (o.resolved != nullptr)
    for (const auto& [name, text] : o.resolved->outputs)
      if (auto t = ParseTemplate(text); t && t->Whole() != nullptr)
        needed.insert(t->Whole()->path[1]);
  if (o.resolved != nullptr)
    for (const api::PipelineResult& r : o.resolved->results) AddSteps(*r.value, needed);
  return needed;
}

// Nothing else tells how these stand: no pod, no receipt, no cache. Without its entry a wait would
// begin anew for ever, and one that was rejected would be asked of again.
bool MustStay(const StepState& s) {
  if (!s.step->HasNoPod()) return false;
  return s.status.phase == StepPhase::kFailed || (HasBegun(s) && s.kind != StepState::Kind::kFinal);
}

// What is said is left out of those that are too many.
void PutGates(const std::vector<StepState>& steps, std::vector<api::StepStatus>& entries) {
  std::size_t bytes = 0;
  for (const StepState& s : steps) {
    if (!MustStay(s)) continue;
    api::StepStatus& entry = entries.emplace_back(s.status);
    bytes += SizeOf(entry);
    if (bytes > kMaxGateBytes) entry.message.clear();
  }
}

// Failed and unfinished first, then what is needed, then the rest; waiting ones that say nothing
// last.
int Rank(const StepState& s, const std::set<std::string>& needed) {
  if (s.status.phase == StepPhase::kFailed) return 0;
  if (s.kind == StepState::Kind::kLive || s.status.attempts > 0) {
    if (s.kind != StepState::Kind::kFinal) return 1;
  }
  if (s.status.phase == StepPhase::kPending) return 1;
  if (s.status.phase == StepPhase::kSucceeded) return needed.contains(s.status.name) ? 2 : 3;
  if (s.status.phase == StepPhase::kSkipped && needed.contains(s.status.name)) return 2;
  return s.status.phase == StepPhase::kWaiting ? 5 : 4;
}

}  // namespace

void PutEntries(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto needed = Needed(o, steps);
  std::vector<std::size_t> order;
  std::vector<int> ranks(steps.size());  // once each: a run may have thousands of steps
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (MustStay(steps[i])) continue;
    order.push_back(i);
    ranks[i] = Rank(steps[i], needed);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return ranks[a] < ranks[b]; });
  std::size_t bytes = 0;
  std::size_t kept = 0;
  while (kept < order.size() && kept < kMaxStepEntries) {
    bytes += SizeOf(steps[order[kept]].status);
    if (bytes > kMaxEntryBytes && kept > 0) break;
    ++kept;
  }
  const auto first_cut = order.begin() + static_cast<std::ptrdiff_t>(kept);
  std::vector<bool> has_entry(steps.size(), false);
  for (auto it = order.begin(); it != first_cut; ++it) has_entry[*it] = true;
  std::vector<api::StepStatus> gates;
  PutGates(steps, gates);
  auto gate = gates.begin();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (MustStay(steps[i]))
      plan.status.steps.push_back(std::move(*gate++));
    else if (has_entry[i])
      plan.status.steps.push_back(steps[i].status);
  }
  std::vector<std::size_t> cut(first_cut, order.end());
  std::sort(cut.begin(), cut.end());
  std::vector<std::size_t> succeeded, skipped;
  for (const std::size_t i : cut) {
    if (steps[i].status.phase == StepPhase::kSucceeded) succeeded.push_back(i);
    if (steps[i].status.phase == StepPhase::kSkipped) skipped.push_back(i);
  }
  plan.status.succeeded_indexes = FormatIndexes(succeeded);
  plan.status.skipped_indexes = FormatIndexes(skipped);
}

void PutOutputs(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  if (o.resolved == nullptr) return;
  std::map<std::string, const StepState*> by_name;
  for (const StepState& s : steps) by_name[s.status.name] = &s;
  for (const auto& [name, text] : o.resolved->outputs) {
    const auto parsed = ParseTemplate(text);
    if (!parsed || parsed->Whole() == nullptr) continue;
    const auto it = by_name.find(parsed->Whole()->path[1]);
    // What stands in for a step that has failed (onFailure) this run did not make.
    if (it == by_name.end() || it->second->status.phase == StepPhase::kFailed) continue;
    for (const api::StepOutput& out : it->second->status.outputs)
      if (out.name == parsed->Whole()->path[3])
        plan.status.outputs.push_back(
            {name, out.type, out.digest, out.folder, out.bytes, o.run.meta.name});
  }
}

void PutResults(const RunObserved& o, const std::vector<StepState>& steps, TimePoint now,
                RunPlan& plan) {
  if (o.run.status.finish_time) {  // a duration would grow
    plan.status.results = o.run.status.results;
    return;
  }
  if (o.resolved == nullptr || o.resolved->results.empty()) return;
  std::map<std::string, const api::StepStatus*> by_name;
  for (const StepState& s : steps) {
    if (s.kind != StepState::Kind::kFinal) return;
    by_name[s.status.name] = &s.status;
  }
  const StatusOf status_of = [&](const std::string& name) {
    const auto it = by_name.find(name);
    return it == by_name.end() ? nullptr : it->second;
  };
  const Json so_far = RunValues(o, steps, now);
  const ValueSource source{o.run, status_of, nullptr, &so_far};
  std::size_t bytes = 0;
  for (const api::PipelineResult& r : o.resolved->results) {
    auto value =
        ExpandAll(*r.value, [&](const Reference& reference) { return LookUp(reference, source); });
    if (!value && value.error().kind == ErrorKind::kNotFound) continue;
    std::string wrong = value ? "" : value.error().message;
    if (value && (bytes += Written(*value)) > kMaxResultsBytes)
      wrong = "the run's results are over 64 KiB together; hand it over as an output instead";
    if (!wrong.empty()) {
      plan.events.push_back({"Warning", "ResultInvalid", "result '" + r.name + "': " + wrong});
    } else if (!value->is_null()) {
      plan.status.results[r.name] = std::move(*value);
    }
  }
}

}  // namespace penstock::plan
