#include "operator/plan/status_plan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "operator/base/json.h"
#include "operator/base/reference.h"
#include "operator/plan/shown_text.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;
using api::StepPhase;

api::RunSummary Count(const std::vector<StepState>& steps) {
  api::RunSummary sum;
  sum.total = static_cast<int>(steps.size());
  for (const StepState& s : steps) {
    switch (s.status.phase) {
      case StepPhase::kWaiting:
        ++sum.waiting;
        break;
      case StepPhase::kPending:
        ++sum.pending;
        break;
      case StepPhase::kRunning:
        ++sum.running;
        break;
      case StepPhase::kSucceeded:
        ++sum.succeeded;
        sum.cached += s.status.cached ? 1 : 0;
        break;
      case StepPhase::kFailed:
        ++sum.failed;
        break;
      case StepPhase::kSkipped:
        ++sum.skipped;
        break;
      case StepPhase::kCancelled:
        ++sum.cancelled;
        break;
    }
  }
  return sum;
}

std::size_t SizeOf(const api::StepStatus& s) {
  std::size_t n = 220 + s.name.size() + s.reason.size() + s.message.size() + s.cache_key.size() +
                  s.cache_miss.size() + s.pod.size();
  for (const auto& o : s.outputs) n += 90 + o.name.size() + o.type.size() + o.digest.size();
  for (const auto& [name, value] : s.results) n += 8 + name.size() + CanonicalText(value).size();
  return n;
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
  return needed;
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
  return s.status.phase == StepPhase::kWaiting ? 5 : 4;
}

void PutEntries(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto needed = Needed(o, steps);
  std::vector<std::size_t> order(steps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return Rank(steps[a], needed) < Rank(steps[b], needed);
  });
  std::size_t bytes = 0;
  std::size_t kept = 0;
  while (kept < order.size() && kept < kMaxStepEntries) {
    bytes += SizeOf(steps[order[kept]].status);
    if (bytes > kMaxEntryBytes && kept > 0) break;
    ++kept;
  }
  std::vector<std::size_t> entries(order.begin(),
                                   order.begin() + static_cast<std::ptrdiff_t>(kept));
  std::vector<std::size_t> cut(order.begin() + static_cast<std::ptrdiff_t>(kept), order.end());
  std::sort(entries.begin(), entries.end());
  std::sort(cut.begin(), cut.end());
  for (const std::size_t i : entries) plan.status.steps.push_back(steps[i].status);
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
    if (it == by_name.end()) continue;
    for (const api::StepOutput& out : it->second->status.outputs)
      if (out.name == parsed->Whole()->path[3])
        plan.status.outputs.push_back(
            {name, out.type, out.digest, out.folder, out.bytes, o.run.meta.name});
  }
}

class Conditions {
 public:
  Conditions(const RunObserved& o, const std::vector<StepState>& steps, TimePoint now,
             RunPlan& plan)
      : o_(o), steps_(steps), now_(now), plan_(plan), sum_(plan.status.summary) {}

  void Put() {
    plan_.status.conditions = o_.run.status.conditions;
    if (o_.resolved == nullptr) {
      Unresolved();
    } else if (plan_.finished) {
      End();
    } else if (o_.run.spec.suspend && o_.run.spec.cancel == api::CancelMode::kNone) {
      Set("Ready", ConditionStatus::kFalse, "Suspended", "spec.suspend is true");
      Set("Reconciling", ConditionStatus::kFalse, "Suspended",
          "no step is started while spec.suspend is true; " + Progress());
      Set("Stalled", ConditionStatus::kFalse, "Suspended", "");
      NotFinished("Suspended", Progress());
    } else {
      GoesOn();
    }
    Bless();
  }

 private:
  void Set(const char* type, ConditionStatus status, const std::string& reason,
           const std::string& message) {
    api::SetCondition(plan_.status.conditions,
                      {type, status, reason, Shown(message, 4096), o_.run.meta.generation, {}},
                      now_);
  }

  void NotFinished(const std::string& reason, const std::string& message) {
    Set("Succeeded", ConditionStatus::kUnknown, reason, message);
    Set("Finished", ConditionStatus::kFalse, reason, message);
  }

  void Unresolved() {
    if (plan_.finished) return Ended("Cancelled", "the run was cancelled before it began", false);
    const bool wrong = !o_.spec_errors.empty();
    const std::string reason = wrong ? "InvalidSpec" : "Resolving";
    const std::string message =
        wrong ? api::Describe(o_.spec_errors) : "the Pipeline and its Components are looked up";
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", wrong ? ConditionStatus::kFalse : ConditionStatus::kTrue, reason, message);
    Set("Stalled", wrong ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason, message);
    NotFinished(reason, message);
  }

  [[nodiscard]] std::string Progress() const {
    std::string text = std::to_string(sum_.succeeded) + " of " + std::to_string(sum_.total) +
                       " steps have succeeded";
    if (sum_.failed > 0) text += ", " + std::to_string(sum_.failed) + " failed";
    return text;
  }

  // The first step that is in trouble but may come out of it.
  [[nodiscard]] const StepState* Troubled() const {
    for (const StepState& s : steps_)
      if (s.status.phase == StepPhase::kPending && !s.status.message.empty()) return &s;
    return nullptr;
  }
  [[nodiscard]] const StepState* FirstFailed() const {
    for (const StepState& s : steps_)
      if (s.status.phase == StepPhase::kFailed) return &s;
    return nullptr;
  }

  static std::string Describe(const StepState& s) {
    return "step " + s.status.name + " (" + s.status.reason + "): " + s.status.message;
  }

  void GoesOn() {
    std::string reason = "Progressing";
    std::string message = Progress();
    const StepState* troubled = Troubled();
    if (o_.run.spec.cancel != api::CancelMode::kNone) {
      reason = "Cancelling";
      message = "running steps are being ended; " + message;
    } else if (const StepState* failed = FirstFailed()) {
      reason = "StepFailed";
      message = Describe(*failed) + "; steps that do not depend on it go on; " + message;
    } else if (troubled != nullptr) {
      reason = troubled->status.retry_at ? "Retrying" : "Waiting";
      message = Describe(*troubled) + "; " + message;
    }
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", ConditionStatus::kTrue, reason, message);
    Set("Stalled", ConditionStatus::kFalse, reason, "");
    NotFinished(reason, message);
  }

  void Ended(const std::string& reason, const std::string& message, bool succeeded) {
    const bool failed = !succeeded && reason != "Cancelled";
    // A run that was cancelled does what its spec asks: Ready.
    Set("Ready", failed ? ConditionStatus::kFalse : ConditionStatus::kTrue, reason, message);
    Set("Reconciling", ConditionStatus::kFalse, reason, "");
    Set("Stalled", failed ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason,
        failed ? message : "");
    Set("Succeeded", succeeded ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason, message);
    Set("Finished", ConditionStatus::kTrue, reason, message);
  }

  void End() {
    const StepState* failed = FirstFailed();
    if (sum_.cancelled > 0)
      return Ended("Cancelled", "the run was cancelled; " + Progress(), false);
    if (failed == nullptr)
      return Ended(
          "Succeeded",
          Progress() +
              (sum_.skipped > 0 ? ", " + std::to_string(sum_.skipped) + " were skipped" : ""),
          true);
    std::string message = Describe(*failed);
    if (sum_.failed > 1) message += "; " + std::to_string(sum_.failed - 1) + " more failed";
    Ended("StepFailed", message, false);
  }

  // A step with a boolean result `blessed` gives its verdict to the run.
  void Bless() {
    for (const StepState& s : steps_) {
      const auto verdict = s.status.results.find("blessed");
      if (verdict == s.status.results.end() || !verdict->second.is_boolean()) continue;
      const bool yes = verdict->second.get<bool>();
      const auto why = s.status.results.find("reason");
      const std::string text = why == s.status.results.end() ? "" : CanonicalText(why->second);
      const bool word = !text.empty() && text.size() <= 128 &&
                        std::all_of(text.begin(), text.end(),
                                    [](unsigned char c) { return std::isalnum(c) != 0; }) &&
                        std::isalpha(static_cast<unsigned char>(text[0])) != 0;
      Set("Blessed", yes ? ConditionStatus::kTrue : ConditionStatus::kFalse,
          word ? text : (yes ? "Blessed" : "NotBlessed"),
          "step " + s.status.name + (text.empty() || word ? "" : ": " + text));
    }
  }

  const RunObserved& o_;
  const std::vector<StepState>& steps_;
  TimePoint now_;
  RunPlan& plan_;
  const api::RunSummary& sum_;
};

// Only what people act on: the run's begin and end, failures, retries, steps that cannot start.
void PutEvents(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto add = [&](const char* type, const std::string& reason, const std::string& message) {
    plan.events.push_back({type, reason, Shown(message)});
  };
  if (!o.run.status.start_time && plan.status.start_time)
    add("Normal", "RunStarted", "started with " + std::to_string(steps.size()) + " steps");
  for (const StepState& s : steps) {
    const std::string what = "step " + s.status.name + ": " + s.status.message;
    const bool was_failed = s.prior != nullptr && s.prior->phase == StepPhase::kFailed;
    if (s.status.phase == StepPhase::kFailed && !was_failed) {
      add("Warning", "StepFailed", what);
      plan.urgent_status = true;
    } else if (s.newly_failed && s.status.retry_at) {
      add("Warning", "StepRetried", what);
      plan.urgent_status = true;
    } else if (s.status.phase == StepPhase::kPending && !s.status.retry_at &&
               !s.status.message.empty() &&
               (s.prior == nullptr || s.prior->reason != s.status.reason)) {
      add("Warning", s.status.reason, what);
    }
  }
}

}  // namespace

std::string FormatIndexes(const std::vector<std::size_t>& sorted) {
  std::string out;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end + 1 < sorted.size() && sorted[end + 1] == sorted[end] + 1) ++end;
    out += (out.empty() ? "" : ",") + std::to_string(sorted[i]);
    if (end > i) out += "-" + std::to_string(sorted[end]);
    i = end + 1;
  }
  return out;
}

std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit) {
  std::vector<std::size_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::size_t first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc{}) break;
    std::size_t last = first;
    if (next < end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc{}) break;
      next = range.ptr;
    }
    for (std::size_t i = first; i <= last && i < limit; ++i) out.push_back(i);
    at = next < end && *next == ',' ? next + 1 : end;
  }
  return out;
}

void PlanStatus(const RunObserved& o, const std::vector<StepState>& steps, TimePoint now,
                RunPlan& plan) {
  const api::PipelineRunStatus& before = o.run.status;
  plan.status.observed_generation = o.run.meta.generation;
  plan.status.revision = o.revision.empty() ? before.revision : o.revision;
  plan.status.start_time = before.start_time;
  if (o.resolved != nullptr && !plan.status.start_time) plan.status.start_time = Seconds(now);
  plan.status.summary = Count(steps);
  const bool all_final = std::all_of(steps.begin(), steps.end(), [](const StepState& s) {
    return s.kind == StepState::Kind::kFinal;
  });
  const bool cancelled_unresolved =
      o.resolved == nullptr && o.run.spec.cancel != api::CancelMode::kNone;
  plan.finished = cancelled_unresolved || (o.resolved != nullptr && all_final);
  if (plan.finished)
    plan.status.finish_time = before.finish_time ? before.finish_time : Seconds(now);
  PutEntries(o, steps, plan);
  PutOutputs(o, steps, plan);
  Conditions(o, steps, now, plan).Put();
  PutEvents(o, steps, plan);
  plan.urgent_status =
      plan.urgent_status || before.conditions.empty() || (plan.finished && !before.finish_time);
  if (plan.finished && !before.finish_time) {
    const api::Condition* end = api::FindCondition(plan.status.conditions, "Succeeded");
    const bool good = end->status == ConditionStatus::kTrue;
    plan.events.push_back({good || end->reason == "Cancelled" ? "Normal" : "Warning",
                           good                         ? "RunSucceeded"
                           : end->reason == "Cancelled" ? "RunCancelled"
                                                        : "RunFailed",
                           Shown(end->message)});
  }
}

}  // namespace penstock::plan
