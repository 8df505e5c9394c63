#include "operator/plan/pipeline/pipeline_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/pipeline/change_run.h"

namespace penstock::plan {
namespace {

using api::ConcurrencyPolicy;
using api::ConditionStatus;

bool IsOwned(const api::PipelineRun& run, const std::string& uid) {
  return std::any_of(run.meta.owners.begin(), run.meta.owners.end(),
                     [&](const auto& o) { return o.uid == uid; });
}

class PipelinePlanner {
 public:
  PipelinePlanner(const PipelineObserved& o, TimePoint now) : o_(o), p_(o.pipeline), now_(now) {
    for (const auto& run : o.runs) {
      if (run.meta.deleted) continue;
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
    if (o_.spec_errors.empty()) Start();
    Label();
    CleanHistory();
    Report();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] int Active() const {
    return static_cast<int>(std::count_if(changes_.begin(), changes_.end(), [](const auto& c) {
      return c.outcome == RunOutcome::kActive;
    }));
  }

  // --- a run for what would run now

  void Start() {
    const std::string hash = RunHash(p_.spec);
    if (HasRun(hash)) plan_.status.observed_run_hash = hash;
    if (HasRun(hash) || p_.spec.run_policy != api::RunPolicy::kOnChange) return;
    if (p_.spec.suspend) {
      waiting_ = "spec.suspend is true; the change runs when it is false";
      return;
    }
    if (MayStart()) return Create(hash);
    if (left_out_) plan_.status.observed_run_hash = hash;
  }

  // The newest run by change is of this hash (in a restored cluster too), or was and is deleted.
  [[nodiscard]] bool HasRun(const std::string& hash) const {
    if (!changes_.empty() && changes_.back().hash == hash) return true;
    return p_.status.observed_run_hash == hash;
  }

  bool MayStart() {
    const int active = Active();
    switch (p_.spec.concurrency.policy) {
      case ConcurrencyPolicy::kAllow:
        return true;
      case ConcurrencyPolicy::kReplace:
        for (const ChangeRun& c : changes_)
          if (c.outcome == RunOutcome::kActive && c.run->spec.cancel != api::CancelMode::kNow)
            plan_.actions.emplace_back(CancelRun{c.run->meta.name, c.run->meta.uid, "Now"});
        if (active == 0) return true;
        waiting_ = "the run before is being cancelled (concurrency policy Replace)";
        return false;
      case ConcurrencyPolicy::kForbid:
      case ConcurrencyPolicy::kQueue:
        break;
    }
    if (active < p_.spec.concurrency.max) return true;
    waiting_ = p_.spec.concurrency.policy == ConcurrencyPolicy::kQueue
                   ? "the change runs when the run before has ended; a later change takes its place"
                   : "a run is going on and the concurrency policy is Forbid; the change runs when "
                     "it is made again";
    // Forbid leaves the change out: it counts as seen.
    left_out_ = p_.spec.concurrency.policy == ConcurrencyPolicy::kForbid;
    return false;
  }

  void Create(const std::string& hash) {
    int number = 1;
    for (const ChangeRun& c : changes_)
      if (c.hash == hash) number = std::max(number, c.number + 1);
    const std::string name = RunName(p_.meta.name, hash, number);
    Json run{{"apiVersion", api::kApiVersion},
             {"kind", "PipelineRun"},
             {"metadata",
              {{"name", name},
               {"namespace", p_.meta.namespace_},
               {"labels",
                {{kLabelPipeline, p_.meta.name}, {kLabelRunHash, hash}, {kLabelCause, "Change"}}},
               {"ownerReferences", Json::array({{{"apiVersion", api::kApiVersion},
                                                 {"kind", "Pipeline"},
                                                 {"name", p_.meta.name},
                                                 {"uid", p_.meta.uid},
                                                 {"controller", true},
                                                 {"blockOwnerDeletion", false}}})}}},
             {"spec", {{"pipelineRef", {{"name", p_.meta.name}}}}}};
    plan_.actions.emplace_back(CreateRun{name, std::move(run)});
    asked_for_ = name;
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

  // Not before the status says what the runs gave.
  void CleanHistory() {
    if (plan_.status.outputs != p_.status.outputs ||
        plan_.status.observed_run_hash != p_.status.observed_run_hash)
      return;
    const auto& limits = p_.spec.history_limits;
    std::vector<const api::PipelineRun*> succeeded, failed;
    for (const auto* run : runs_) {
      if (!IsOwned(*run, p_.meta.uid)) continue;
      const RunOutcome outcome = OutcomeOf(*run);
      if (outcome == RunOutcome::kSucceeded) succeeded.push_back(run);
      if (outcome == RunOutcome::kFailed || outcome == RunOutcome::kCancelled)
        failed.push_back(run);
    }
    Trim(succeeded, limits.succeeded, "historyLimits.succeeded");
    Trim(failed, limits.failed, "historyLimits.failed");
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

  // Of the runs that are there.
  [[nodiscard]] std::optional<api::PublishedOutput> Newest(const std::string& name) const {
    for (auto r = runs_.rbegin(); r != runs_.rend(); ++r) {
      if (!(*r)->spec.publish || OutcomeOf(**r) != RunOutcome::kSucceeded) continue;
      const api::PublishedOutput* given = Find((*r)->status.outputs, name);
      if (given == nullptr) continue;
      api::PublishedOutput output = *given;
      output.run_created = (*r)->meta.created;
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
    if (!o_.spec_errors.empty()) return Invalid();
    const Refusal* not_made = asked_for_.empty() ? nullptr : RefusalOf(asked_for_);
    const Refusal* first =
        not_made != nullptr || o_.refusals.empty() ? not_made : &o_.refusals.front();
    const std::string reason = first != nullptr      ? RefusalReason(first->why.kind)
                               : !waiting_.empty()   ? "Waiting"
                               : p_.spec.suspend     ? "Suspended"
                               : o_.warnings.empty() ? "Valid"
                                                     : "ValidWithWarnings";
    std::string message = waiting_;
    const auto add = [&](const std::string& more) {
      message += (message.empty() ? "" : "; ") + more;
    };
    if (not_made != nullptr) plan_.requeue_after = std::chrono::seconds(10);
    for (const Refusal& r : o_.refusals)
      add((&r == not_made ? "the run " + asked_for_ + " could not be created: " : r.object + ": ") +
          r.why.message + "; it is tried again");
    for (const std::string& w : o_.warnings) add(w);
    const auto is = [](bool yes) { return yes ? ConditionStatus::kTrue : ConditionStatus::kFalse; };
    Set("Ready", is(not_made == nullptr), reason, message);
    Set("Reconciling", is(first != nullptr), reason, message);
    Set("Stalled", ConditionStatus::kFalse, reason, "");
    LastRun();
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
    if (!asked_for_.empty() && RefusalOf(asked_for_) == nullptr) {
      plan_.status.last_run = api::PipelineStatus::LastRun{asked_for_, "", std::nullopt};
      plan_.status.active_runs += 1;
      plan_.events.push_back({"Normal", "RunCreated", "created the run " + asked_for_});
    } else if (newest != nullptr) {
      plan_.status.last_run = api::PipelineStatus::LastRun{
          newest->meta.name, Name(OutcomeOf(*newest)), newest->status.finish_time};
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
  std::string waiting_;                        // why the change does not run now
  bool left_out_ = false;
  std::string asked_for_;  // the run that this plan makes
};

}  // namespace

std::string RunObject(const std::string& run) { return "PipelineRun " + run; }

PipelinePlan PlanPipeline(const PipelineObserved& observed, TimePoint now) {
  return PipelinePlanner(observed, now).Plan();
}

}  // namespace penstock::plan
