#include "operator/plan/step/last_good.h"

#include <algorithm>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/attempt.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/stop.h"
#include "operator/plan/values/value_source.h"

namespace penstock::plan {
namespace {

using api::LastGoodUse;
using api::StepPhase;

constexpr const char* kLookedFor = "; what it gave last is looked for (onFailure)";

// The message without what was said while that was not known.
std::string Bare(const std::string& message) { return message.substr(0, message.find(kLookedFor)); }

void Ask(StepState& s, const RunObserved& o, RunPlan& plan) {
  const std::string& name = s.step->name;
  plan.requests.last_good.push_back({name, o.resolved});
  s.kind = StepState::Kind::kLive;
  std::string message = Bare(s.status.message) + kLookedFor;
  const auto trouble = o.store_trouble.find(name);
  if (trouble != o.store_trouble.end()) message += ": " + trouble->second;
  s.status.message = Shown(message, kMaxStepMessage + 400);
}

void Conclude(StepState& s, LastGoodUse outcome, const std::string& why) {
  s.status.last_good->outcome = outcome;
  s.status.message = Shown(Bare(s.status.message) + "; " + why, kMaxStepMessage + 400);
}

void Take(StepState& s, const LastGood& last) {
  s.status.outputs = last.outputs;
  s.status.results = last.results;
  s.status.allowed = true;
  Conclude(s, LastGoodUse::kUsed,
           "what run " + last.run + " gave at " + FormatTime(last.time) +
               " stands in for it (onFailure)");
}

// Of a looped step an output is a folder and a result a list, and what does not fit into a status
// is a file.
bool Fits(const api::StepStatus& then, const ResolvedStep& step) {
  return std::all_of(step.outputs.begin(), step.outputs.end(), [&](const api::OutputSpec& wanted) {
    const auto is_it = [&](const api::StepOutput& o) { return o.name == wanted.name; };
    const auto found = std::find_if(then.outputs.begin(), then.outputs.end(), is_it);
    if (found == then.outputs.end()) return wanted.optional;
    return step.loop.has_value() || found->type == wanted.type;
  });
}

LastGood AllOf(const api::StepStatus& then) {
  LastGood last;
  last.outputs = then.outputs;
  last.results = then.results;
  return last;
}

// The Pipeline may have changed since: what does not fit its declarations now is none.
std::optional<LastGood> AsDeclared(const api::StepStatus& then, const ResolvedStep& step) {
  if (!Fits(then, step)) return std::nullopt;
  if (step.loop || step.nested) return AllOf(then);
  Receipt receipt;
  for (const api::StepOutput& o : then.outputs)
    receipt.outputs.push_back({o.name, o.type, {o.digest, o.folder, o.bytes}});
  for (const auto& [name, value] : then.results) receipt.results[name] = value;
  const Judgement judged = JudgeReceipt(std::move(receipt), step);
  if (judged.verdict != Verdict::kSucceeded) return std::nullopt;
  LastGood last;
  for (const OutputRecord& o : judged.receipt.outputs)
    last.outputs.push_back(
        {o.name, o.type, o.artifact.digest, o.artifact.folder, o.artifact.bytes});
  for (const auto& [name, value] : judged.receipt.results.items()) last.results[name] = value;
  return last;
}

bool IsOfTheSame(const api::PipelineRun& other, const api::PipelineRun& run) {
  return other.meta.uid != run.meta.uid && other.meta.namespace_ == run.meta.namespace_ &&
         !run.spec.pipeline_ref.empty() && other.spec.pipeline_ref == run.spec.pipeline_ref &&
         other.spec.library == run.spec.library && other.spec.publish &&
         ParentOf(other.meta) == nullptr;
}

// Of two runs the one whose time is later is the newer one (publishing goes by the same). A
// backfill takes nothing of what came after its time, and what it gave is not new for having been
// made late.
bool IsForATimeNear(const api::PipelineRun& other, TimePoint made, const api::PipelineRun& run,
                    const ResolvedStep& step) {
  const TimePoint time = api::ScheduledTime(run);
  const TimePoint before = api::ScheduledTime(other);
  if (before > time) return false;
  if (!other.spec.scheduled_time || !step.on_failure || !step.on_failure->max_age) return true;
  const Milliseconds most = *step.on_failure->max_age;
  return time - before <= most || made - before <= most;
}

}  // namespace

std::string WhyNoEarlierRun(const api::PipelineRun& run) {
  if (ParentOf(run.meta) != nullptr) return "a run within another one has no earlier run";
  if (run.spec.pipeline_ref.empty())
    return "a run with a pipelineSpec of its own has no earlier run";
  return "";
}

std::optional<LastGood> GivenIn(const api::PipelineRun& other, const api::PipelineRun& run,
                                const ResolvedStep& step) {
  if (!IsOfTheSame(other, run)) return std::nullopt;
  const auto& steps = other.status.steps;
  const auto then =
      std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.name == step.name; });
  if (then == steps.end()) return std::nullopt;
  const bool used = then->last_good && then->last_good->outcome == LastGoodUse::kUsed;
  // How old it is what a rerun took of another run, that run tells.
  const bool gave = then->phase == StepPhase::kSucceeded && then->finish_time &&
                    then->reason != kNoEntry && then->reason != kTaken;
  if (!gave && !(used && then->last_good->time)) return std::nullopt;
  auto last = AsDeclared(*then, step);
  if (!last) return std::nullopt;
  last->run = used ? then->last_good->run : other.meta.name;
  last->time = used ? *then->last_good->time : *then->finish_time;
  if (!IsForATimeNear(other, last->time, run, step)) return std::nullopt;
  return last;
}

void PlanLastGood(StepState& s, const RunObserved& o, TimePoint now, RunPlan& plan) {
  if (!s.step->on_failure || s.item || s.kind != StepState::Kind::kFinal ||
      s.status.phase != StepPhase::kFailed || s.status.last_good)
    return;
  const bool decided = s.prior != nullptr && s.prior->phase == StepPhase::kFailed &&
                       s.prior->last_good && s.prior->attempts == s.status.attempts;
  if (decided) {
    s.status = *s.prior;
    return;
  }
  const auto answer = o.last_good.find(s.step->name);
  const Stop stop = StopOf(o, *s.step, now);
  if (!stop && answer == o.last_good.end()) return Ask(s, o, plan);
  plan.urgent_status = true;
  api::LastGoodStatus& status = s.status.last_good.emplace();
  if (stop)
    return Conclude(s, LastGoodUse::kAbsent,
                    "nothing stands in for it (onFailure): " + stop.message);
  const auto& last = answer->second->found;
  if (!last)
    return Conclude(s, LastGoodUse::kAbsent,
                    "nothing stands in for it: " + answer->second->why_none + " (onFailure)");
  status.run = last->run;
  status.time = last->time;
  const Milliseconds most = s.step->on_failure->max_age.value_or(Milliseconds{0});
  if (s.status.finish_time.value_or(now) - last->time <= most) return Take(s, *last);
  Conclude(s, LastGoodUse::kTooOld,
           "what run " + last->run + " gave at " + FormatTime(last->time) +
               " is older than onFailure.maxAge (" + FormatDuration(most) + ")");
}

}  // namespace penstock::plan
