#include "operator/plan/pipeline/pipeline_plan.h"

#include <algorithm>
#include <set>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/pipeline/change_run.h"
#include "operator/plan/pipeline/freshness_plan.h"
#include "operator/plan/pipeline/registration_plan.h"
#include "operator/plan/pipeline/starts.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;

constexpr const char* kClockWentBack = "ClockWentBack";

bool IsOwned(const api::PipelineRun& run, const std::string& uid) {
  return std::any_of(run.meta.owners.begin(), run.meta.owners.end(),
                     [&](const auto& o) { return o.uid == uid; });
}

class PipelinePlanner {
 public:
  PipelinePlanner(const PipelineObserved& o, TimePoint now) : o_(o), p_(o.pipeline), now_(now) {
    for (const auto& run : o.runs) {
      // What waits for its turn has not begun, and may never.
      if (run.meta.deleted || WaitsForTurn(run)) continue;
      runs_.push_back(&run);
    }
    SortAsAskedFor(runs_, p_.status.observed_run_hash);
    for (const auto* run : runs_)
      if (auto change = AsChangeRun(*run, p_.meta.name)) changes_.push_back(*change);
  }

  PipelinePlan Plan() {
    plan_.status.observed_generation = p_.meta.generation;
    // Of the newest run that is there; a run that is only asked for was not seen.
    plan_.status.observed_run_hash = p_.status.observed_run_hash;
    plan_.status.outputs = Outputs();
    plan_.status.results = Results();
    plan_.status.schedules = p_.status.schedules;
    plan_.status.triggers = p_.status.triggers;
    plan_.status.registered = p_.status.registered;
    if (o_.spec_errors.empty()) {
      Start();
      Register();
    } else {
      for (auto& schedule : plan_.status.schedules) schedule.next.reset();
    }
    freshness_ = PlanFreshness(p_, runs_, now_, plan_.status);
    if (freshness_.look_again) LookAgain(*freshness_.look_again);
    Label();
    CleanHistory();
    Report();
    return std::move(plan_);
  }

 private:
  // What is to be started, with what is told of it.
  void Start() {
    Starts starts = PlanStarts(o_, changes_, now_);
    for (PipelineAction& action : starts.actions) plan_.actions.push_back(std::move(action));
    plan_.events = std::move(starts.events);
    plan_.status.observed_run_hash = starts.observed_run_hash;
    plan_.status.schedules = std::move(starts.schedules);
    plan_.status.next_schedule = starts.next_schedule;
    plan_.status.triggers = std::move(starts.triggers);
    asked_for_ = std::move(starts.asked_for);
    released_ = std::move(starts.released);
    for (const std::string& what : starts.waiting)
      waiting_ += (waiting_.empty() ? "" : "; ") + what;
    for (const std::string& what : starts.clock_went_back)
      clock_went_back_ += (clock_went_back_.empty() ? "" : "; ") + what;
    if (starts.look_again) LookAgain(*starts.look_again);
  }

  void Register() {
    Registrations registrations = PlanRegistrations(o_, plan_.status.outputs);
    for (const auto& question : registrations.questions) registered_of_.insert(question.run);
    for (const auto& action : registrations.actions) registered_of_.insert(action.version.spec.run);
    plan_.status.registered = std::move(registrations.registered);
    plan_.questions = std::move(registrations.questions);
    for (auto& action : registrations.actions) plan_.actions.emplace_back(std::move(action));
    for (auto& event : registrations.events) plan_.events.push_back(std::move(event));
  }

  // Not at once: a status that is to be written first brings the Pipeline back sooner. An hour is
  // enough where the clock is set meanwhile.
  void LookAgain(TimePoint t) {
    constexpr Milliseconds kLeast{100}, kMost{3'600'000};
    const auto left = std::chrono::ceil<Milliseconds>(t - now_);
    const Milliseconds after = std::clamp(left, kLeast, kMost);
    plan_.requeue_after = std::min(plan_.requeue_after.value_or(after), after);
  }

  [[nodiscard]] const Refusal* RefusalOf(const std::string& run) const {
    const auto it = std::find_if(o_.refusals.begin(), o_.refusals.end(),
                                 [&](const Refusal& r) { return r.object == RunObject(run); });
    return it == o_.refusals.end() ? nullptr : &*it;
  }

  // Where a label stands already it is somebody's word, right or not.
  void Label() {
    for (const auto* run : runs_)
      if (!run->meta.labels.contains(kLabelPipeline))
        plan_.actions.emplace_back(LabelRun{run->meta.name, run->meta.uid});
  }

  // --- what is kept

  // Not before the status says what the runs gave, and the registry what was made of it.
  void CleanHistory() {
    if (plan_.status.registered != p_.status.registered ||
        plan_.status.outputs != p_.status.outputs || plan_.status.results != p_.status.results ||
        plan_.status.observed_run_hash != p_.status.observed_run_hash ||
        plan_.status.schedules != p_.status.schedules ||
        plan_.status.last_success != p_.status.last_success ||
        plan_.status.triggers != p_.status.triggers)
      return;
    const auto& limits = p_.spec.history_limits;
    std::vector<const api::PipelineRun*> succeeded, failed;
    for (const auto* run : runs_) {
      if (!IsOwned(*run, p_.meta.uid) || registered_of_.contains(run->meta.name)) continue;
      const RunOutcome outcome = OutcomeOf(*run);
      if (Expire(*run, outcome)) continue;
      if (outcome == RunOutcome::kSucceeded) succeeded.push_back(run);
      if (outcome == RunOutcome::kFailed || outcome == RunOutcome::kCancelled)
        failed.push_back(run);
    }
    Trim(succeeded, limits.succeeded, "historyLimits.succeeded");
    Trim(failed, limits.failed, "historyLimits.failed");
  }

  // True where the run's time after its end is over; else it is looked at again when it is.
  bool Expire(const api::PipelineRun& run, RunOutcome outcome) {
    const bool good = outcome == RunOutcome::kSucceeded;
    const auto& ttl =
        good ? p_.spec.ttl_after_finished.succeeded : p_.spec.ttl_after_finished.failed;
    if (outcome == RunOutcome::kActive || !ttl || run.spec.ttl_after_finished ||
        !run.status.finish_time)
      return false;
    const TimePoint end = *run.status.finish_time + *ttl;
    if (end > now_) {
      LookAgain(end);
      return false;
    }
    plan_.actions.emplace_back(DeleteRun{run.meta.name, run.meta.uid,
                                         std::string("ttlAfterFinished.") +
                                             (good ? "succeeded" : "failed") + " is " +
                                             FormatDuration(*ttl)});
    return true;
  }

  void Trim(const std::vector<const api::PipelineRun*>& runs, int limit, const char* which) {
    const int extra = static_cast<int>(runs.size()) - limit;
    for (int i = 0; i < extra; ++i)
      plan_.actions.emplace_back(DeleteRun{runs[i]->meta.name, runs[i]->meta.uid,
                                           std::string(which) + " is " + std::to_string(limit)});
  }

  // --- what others may follow

  // Of the newest succeeded run that has it, whoever made the run; an output that this run did not
  // give (a model that was not blessed) keeps what was published before.
  std::vector<api::PublishedOutput> Outputs() const {
    std::vector<api::PublishedOutput> out;
    for (const auto& [name, text] : p_.spec.outputs) {
      const api::PublishedOutput* before = Find(p_.status.outputs, name);
      if (auto newest = Newest(name); newest && !(before != nullptr && IsOlder(*newest, *before)))
        out.push_back(*std::move(newest));
      else if (before != nullptr)
        out.push_back(*before);
    }
    return out;
  }

  // Of the newest succeeded run that gave any.
  [[nodiscard]] std::map<std::string, Json> Results() const {
    if (p_.spec.results.empty()) return {};
    for (auto r = runs_.rbegin(); r != runs_.rend(); ++r)
      if ((*r)->spec.publish && OutcomeOf(**r) == RunOutcome::kSucceeded &&
          !(*r)->status.results.empty())
        return (*r)->status.results;
    return p_.status.results;
  }

  // Of the runs that are there.
  [[nodiscard]] std::optional<api::PublishedOutput> Newest(const std::string& name) const {
    for (auto r = runs_.rbegin(); r != runs_.rend(); ++r) {
      if (!(*r)->spec.publish || OutcomeOf(**r) != RunOutcome::kSucceeded) continue;
      const api::PublishedOutput* given = Find((*r)->status.outputs, name);
      if (given == nullptr) continue;
      api::PublishedOutput output = *given;
      output.run_created = LogicalTime(**r);
      return output;
    }
    return std::nullopt;
  }

  // The run that published is gone (its ttl, or somebody deleted it): what it gave stands, until a
  // run gives another that was created after it.
  [[nodiscard]] bool IsOlder(const api::PublishedOutput& other,
                             const api::PublishedOutput& published) const {
    if (!published.run_created || !other.run_created) return false;
    const bool is_there = std::any_of(runs_.begin(), runs_.end(),
                                      [&](const auto* r) { return r->meta.name == published.run; });
    return !is_there && *other.run_created <= *published.run_created;
  }

  static const api::PublishedOutput* Find(const std::vector<api::PublishedOutput>& outputs,
                                          const std::string& name) {
    const auto it =
        std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.name == name; });
    return it == outputs.end() ? nullptr : &*it;
  }

  // --- status

  void Set(const char* type, ConditionStatus status, const std::string& reason,
           const std::string& message) {
    api::SetCondition(plan_.status.conditions,
                      {type, status, reason, Shown(message, 4096), p_.meta.generation, {}}, now_);
  }

  void Report() {
    plan_.status.conditions = p_.status.conditions;
    plan_.status.last_run = p_.status.last_run;
    plan_.status.active_runs = static_cast<int>(std::count_if(
        runs_.begin(), runs_.end(), [](auto* r) { return OutcomeOf(*r) == RunOutcome::kActive; }));
    ReportFreshness();
    if (!o_.spec_errors.empty()) return Invalid();
    const auto of_a_start =
        std::find_if(asked_for_.begin(), asked_for_.end(),
                     [&](const std::string& name) { return RefusalOf(name) != nullptr; });
    const Refusal* not_made = of_a_start == asked_for_.end() ? nullptr : RefusalOf(*of_a_start);
    const Refusal* first =
        not_made != nullptr || o_.refusals.empty() ? not_made : &o_.refusals.front();
    const bool is_stuck = !clock_went_back_.empty();
    const std::string reason = first != nullptr      ? RefusalReason(first->why.kind)
                               : is_stuck            ? kClockWentBack
                               : !waiting_.empty()   ? "Waiting"
                               : p_.spec.suspend     ? "Suspended"
                               : o_.warnings.empty() ? "Valid"
                                                     : "ValidWithWarnings";
    std::string message = clock_went_back_;
    const auto add = [&](const std::string& more) {
      message += (message.empty() ? "" : "; ") + more;
    };
    if (!waiting_.empty()) add(waiting_);
    if (not_made != nullptr) plan_.requeue_after = std::chrono::seconds(10);
    for (const Refusal& r : o_.refusals)
      add((&r == not_made ? "the run " + *of_a_start + " could not be created: "
                          : r.object + ": ") +
          r.why.message + "; it is tried again");
    for (const std::string& w : o_.warnings) add(w);
    const auto is = [](bool yes) { return yes ? ConditionStatus::kTrue : ConditionStatus::kFalse; };
    Set("Ready", is(not_made == nullptr && !is_stuck), reason, message);
    Set("Reconciling", is(first != nullptr), reason, message);
    if (is_stuck)
      Stall(kClockWentBack, clock_went_back_);
    else
      Set("Stalled", ConditionStatus::kFalse, reason, "");
    LastRun();
  }

  // With an event where another is late than before, and where all is well again.
  void ReportFreshness() {
    auto& conditions = plan_.status.conditions;
    if (!freshness_.declared) {
      std::erase_if(conditions, [](const auto& c) { return c.type == kFresh; });
      return;
    }
    const api::Condition* before = api::FindCondition(p_.status.conditions, kFresh);
    const bool was_late = before != nullptr && before->status == ConditionStatus::kFalse;
    if (freshness_.late.empty()) {
      Set(kFresh, ConditionStatus::kTrue, p_.spec.suspend ? "Suspended" : kFresh, "");
      if (was_late) plan_.events.push_back({"Normal", kFresh, "it is as fresh as it is to be"});
      return;
    }
    if (!was_late || before->message != Shown(freshness_.late, 4096))
      plan_.events.push_back({"Warning", kLate, Shown(freshness_.late)});
    Set(kFresh, ConditionStatus::kFalse, kLate, freshness_.late);
  }

  // With an event where it does not stand there yet.
  void Stall(const char* reason, const std::string& message) {
    const api::Condition* before = api::FindCondition(p_.status.conditions, "Stalled");
    if (before == nullptr || before->reason != reason)
      plan_.events.push_back({"Warning", reason, Shown(message)});
    Set("Stalled", ConditionStatus::kTrue, reason, message);
  }

  void Invalid() {
    const std::string message = api::Describe(o_.spec_errors);
    Set("Ready", ConditionStatus::kFalse, "InvalidSpec", message);
    Set("Reconciling", ConditionStatus::kFalse, "InvalidSpec", "");
    Set("Stalled", ConditionStatus::kTrue, "InvalidSpec", message);
    const api::Condition* before = api::FindCondition(p_.status.conditions, "Stalled");
    if (before == nullptr || before->message != Shown(message, 4096))
      plan_.events.push_back({"Warning", "InvalidSpec", Shown(message)});
    LastRun();
  }

  void LastRun() {
    const api::PipelineRun* newest = runs_.empty() ? nullptr : runs_.back();
    if (newest != nullptr)
      plan_.status.last_run = api::PipelineStatus::LastRun{
          newest->meta.name, Name(OutcomeOf(*newest)), newest->status.finish_time};
    for (const std::string& name : asked_for_) {
      if (RefusalOf(name) != nullptr) continue;
      plan_.status.last_run = api::PipelineStatus::LastRun{name, "", std::nullopt};
      plan_.status.active_runs += 1;
      plan_.events.push_back({"Normal", "RunCreated", "created the run " + name});
    }
    for (const std::string& name : released_) {
      if (RefusalOf(name) != nullptr) continue;
      plan_.status.last_run = api::PipelineStatus::LastRun{name, "", std::nullopt};
      plan_.status.active_runs += 1;
      plan_.events.push_back({"Normal", "RunStarted", "the run " + name + " of a webhook begins"});
    }
    LastRunSucceeded();
  }

  // Of the newest run that has ended.
  void LastRunSucceeded() {
    for (auto it = runs_.rbegin(); it != runs_.rend(); ++it) {
      const RunOutcome outcome = OutcomeOf(**it);
      if (outcome == RunOutcome::kActive) continue;
      const api::Condition* end = api::FindCondition((*it)->status.conditions, "Succeeded");
      return Set(
          "LastRunSucceeded",
          outcome == RunOutcome::kSucceeded ? ConditionStatus::kTrue : ConditionStatus::kFalse,
          end == nullptr ? Name(outcome) : end->reason,
          "run " + (*it)->meta.name +
              (end == nullptr || end->message.empty() ? "" : ": " + end->message));
    }
    if (api::FindCondition(plan_.status.conditions, "LastRunSucceeded") == nullptr)
      Set("LastRunSucceeded", ConditionStatus::kUnknown, "NoRun", "no run has ended yet");
  }

  const PipelineObserved& o_;
  const api::Pipeline& p_;
  TimePoint now_;
  PipelinePlan plan_;
  std::vector<const api::PipelineRun*> runs_;  // in the order in which they were asked for
  std::vector<ChangeRun> changes_;             // those that a change made, in the same order
  std::string waiting_;                        // what does not run now, and why
  std::string clock_went_back_;                // what does not before a far time, and the way on
  std::vector<std::string> asked_for_;         // the runs that this plan makes
  std::vector<std::string> released_;          // those that waited, and begin
  Freshness freshness_;
  std::set<std::string> registered_of_;  // runs of which something is yet to be registered
};

}  // namespace

std::string RunObject(const std::string& run) { return "PipelineRun " + run; }

PipelinePlan PlanPipeline(const PipelineObserved& observed, TimePoint now) {
  return PipelinePlanner(observed, now).Plan();
}

}  // namespace penstock::plan
