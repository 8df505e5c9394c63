#include "operator/plan/pipeline/starts.h"

#include <algorithm>

#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/pipeline/schedule_plan.h"
#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/pipeline/trigger_plan.h"
#include "operator/plan/pipeline/webhook_plan.h"
#include "operator/plan/resolve/schedule_check.h"

namespace penstock::plan {
namespace {

using api::ConcurrencyPolicy;

constexpr std::size_t kMostStarts = 50;  // of one plan

class Starter {
 public:
  Starter(const PipelineObserved& o, const std::vector<ChangeRun>& changes, TimePoint now)
      : o_(o), p_(o.pipeline), changes_(changes), now_(now) {}

  Starts Plan() {
    out_.observed_run_hash = p_.status.observed_run_hash;
    ForChange();
    ForSchedules();
    ForTrigger();
    ForWebhooks();
    return std::move(out_);
  }

 private:
  enum class Turn : std::uint8_t { kNow, kLater, kNever };

  [[nodiscard]] static bool IsActive(const api::PipelineRun& run) {
    return !run.meta.deleted && IsAutomatic(run) && OutcomeOf(run) == RunOutcome::kActive &&
           !WaitsForTurn(run);
  }
  // Those that are there and those that this plan makes.
  [[nodiscard]] int Active() const {
    const auto there = std::count_if(o_.runs.begin(), o_.runs.end(), IsActive);
    return static_cast<int>(there) + static_cast<int>(Starting());
  }
  [[nodiscard]] std::size_t Starting() const {
    return out_.asked_for.size() + out_.released.size();
  }
  // Those that this plan makes, but were refused: they are made later, and keep their place.
  [[nodiscard]] int Refused() const {
    return static_cast<int>(
        std::count_if(out_.asked_for.begin(), out_.asked_for.end(),
                      [&](const std::string& name) { return WasRefused(name); }));
  }

  // May a run start? Replace cancels those that go on.
  Turn AskForTurn() {
    if (Starting() >= kMostStarts) return Turn::kLater;
    switch (p_.spec.concurrency.policy) {
      case ConcurrencyPolicy::kAllow:
        return Turn::kNow;
      case ConcurrencyPolicy::kReplace:
        CancelActive();
        return Active() == 0 ? Turn::kNow : Turn::kLater;
      case ConcurrencyPolicy::kForbid:
        if (Active() < p_.spec.concurrency.max) return Turn::kNow;
        // beside one that was not made nothing goes on yet
        return Active() - Refused() < p_.spec.concurrency.max ? Turn::kLater : Turn::kNever;
      case ConcurrencyPolicy::kQueue:
        break;
    }
    return Active() < p_.spec.concurrency.max ? Turn::kNow : Turn::kLater;
  }

  void CancelActive() {
    if (cancelled_) return;
    cancelled_ = true;
    for (const api::PipelineRun& run : o_.runs)
      if (IsActive(run) && run.spec.cancel != api::CancelMode::kNow)
        out_.actions.emplace_back(CancelRun{run.meta.name, run.meta.uid, "Now"});
  }

  void Create(const std::string& name, const char* cause,
              const std::map<std::string, std::string>& labels, Json spec) {
    out_.actions.emplace_back(CreateRun{name, OwnedRun(p_, name, cause, labels, std::move(spec))});
    out_.asked_for.push_back(name);
  }

  [[nodiscard]] bool WasRefused(const std::string& name) const {
    return std::any_of(o_.refusals.begin(), o_.refusals.end(),
                       [&](const Refusal& r) { return r.object == RunObject(name); });
  }

  // --- a run for what would run now

  void ForChange() {
    const std::string hash = RunHash(p_.spec);
    if (HasRun(hash)) out_.observed_run_hash = hash;
    if (HasRun(hash) || p_.spec.run_policy != api::RunPolicy::kOnChange) return;
    if (p_.spec.suspend) {
      out_.waiting.emplace_back("spec.suspend is true; the change runs when it is false");
      return;
    }
    switch (AskForTurn()) {
      case Turn::kNow:
        return CreateForChange(hash);
      case Turn::kLater:
        out_.waiting.emplace_back(
            p_.spec.concurrency.policy == ConcurrencyPolicy::kReplace
                ? "the run before is being cancelled (concurrency policy Replace)"
                : "the change runs when the run before has ended; a later change takes its place");
        return;
      case Turn::kNever:  // it counts as seen
        out_.observed_run_hash = hash;
        out_.waiting.emplace_back(
            "a run is going on and the concurrency policy is Forbid; the change runs when it is "
            "made again");
    }
  }

  // The newest run by change is of this hash (in a restored cluster too), or was and is deleted.
  [[nodiscard]] bool HasRun(const std::string& hash) const {
    if (!changes_.empty() && changes_.back().hash == hash) return true;
    return p_.status.observed_run_hash == hash;
  }

  void CreateForChange(const std::string& hash) {
    Create(NewName(p_.meta.name, hash), kCauseChange, {{kLabelRunHash, hash}}, Json::object());
  }

  // One that no run has, be it that is being deleted: a run that is met by its name would pass for
  // the one that was asked for.
  [[nodiscard]] std::string NewName(const std::string& prefix, const std::string& hash) const {
    int highest = 0;
    for (const api::PipelineRun& run : o_.runs)
      highest = std::max(highest, NumberOf(run.meta.name, prefix, hash).value_or(0));
    return RunName(prefix, hash, highest + 1);
  }

  // --- runs for times

  void ForSchedules() {
    SchedulePlan plan = PlanSchedules(p_, o_.runs, now_);
    out_.events = std::move(plan.events);
    out_.clock_went_back = std::move(plan.clock_went_back);
    const bool replace = p_.spec.concurrency.policy == ConcurrencyPolicy::kReplace;
    for (std::size_t i = 0; i < plan.due.size(); ++i) {
      const DueTime& due = plan.due[i];
      const std::string which =
          "schedule " + p_.spec.schedules[due.schedule].name + ", " + FormatTime(due.time);
      if (replace && i + 1 < plan.due.size()) {
        LeaveOut(plan, due, which, "a later time is due (concurrency policy Replace)");
        continue;
      }
      switch (AskForTurn()) {
        case Turn::kNow:
          CreateForTime(plan, due);
          break;
        case Turn::kLater:
          out_.waiting.push_back(
              which +
              (i + 1 < plan.due.size()
                   ? " and " + std::to_string(plan.due.size() - i - 1) + " later times wait"
                   : " waits") +
              " for the end of the run before");
          return Finish(plan);  // who comes later waits too
        case Turn::kNever:
          LeaveOut(plan, due, which, "a run is going on (concurrency policy Forbid)");
      }
    }
    Finish(plan);
  }

  void Finish(SchedulePlan& plan) {
    out_.schedules = std::move(plan.statuses);
    out_.next_schedule = plan.next;
    out_.look_again = plan.next;
    if (out_.asked_for.size() >= kMostStarts) out_.look_again = now_;
  }

  void LeaveOut(SchedulePlan& plan, const DueTime& due, const std::string& which,
                const std::string& why) {
    Settle(plan, due, false);
    out_.events.push_back({"Warning", "MissedSchedule", which + " is left out: " + why});
  }

  void CreateForTime(SchedulePlan& plan, const DueTime& due) {
    const api::ScheduleSpec& schedule = p_.spec.schedules[due.schedule];
    const std::string name = ScheduledRunName(p_.meta.name, schedule.name, due.time);
    Json spec{{"scheduledTime", FormatTime(due.time)}};
    // A valid spec's parameters can be expanded.
    if (auto values = ParametersAt(schedule, due.time); values && !values->empty())
      spec["parameters"] = *std::move(values);
    Create(name, kCauseSchedule, {{kLabelSchedule, schedule.name}}, std::move(spec));
    if (!WasRefused(name)) Settle(plan, due, true);
  }

  // --- a run for what other Pipelines gave

  void ForTrigger() {
    TriggerPlan plan = PlanTriggers(o_, now_);
    if (!plan.due.empty() && !p_.spec.suspend) {
      const std::string which = "the new output " + plan.due;
      if (HasTriggered(plan)) {
        Settle(plan);
      } else {
        switch (AskForTurn()) {
          case Turn::kNow:
            CreateForTrigger(plan);
            break;
          case Turn::kLater:
            out_.waiting.push_back(which + " waits for the end of the run before");
            break;
          case Turn::kNever:
            Settle(plan);
            out_.events.push_back({"Warning", "MissedTrigger",
                                   which + " is left out: a run is going on (concurrency policy "
                                           "Forbid)"});
        }
      }
    }
    out_.triggers = std::move(plan.statuses);
    if (plan.next) out_.look_again = std::min(out_.look_again.value_or(*plan.next), *plan.next);
  }

  [[nodiscard]] static bool IsTriggeredBy(const api::PipelineRun& run, const std::string& hash) {
    return LabelOf(run, kLabelRunHash) == hash && LabelOf(run, kLabelCause) == kCauseTrigger;
  }

  // Since the change that asks was seen.
  [[nodiscard]] bool HasTriggered(const TriggerPlan& plan) const {
    return std::any_of(o_.runs.begin(), o_.runs.end(), [&](const auto& run) {
      return IsTriggeredBy(run, plan.hash) &&
             run.meta.created.value_or(TimePoint{}) >= plan.since.value_or(now_);
    });
  }

  void CreateForTrigger(TriggerPlan& plan) {
    const std::string name = NewName(TriggerPrefix(p_.meta.name), plan.hash);
    Create(name, kCauseTrigger, {{kLabelRunHash, plan.hash}}, Json::object());
    std::get<CreateRun>(out_.actions.back()).run["metadata"]["annotations"][kTriggeredBy] =
        plan.due;
    if (!WasRefused(name)) Settle(plan);
  }

  // --- deliveries of webhooks, whose runs are there

  void ForWebhooks() {
    WebhookPlan plan = PlanWebhooks(o_, now_, out_.triggers);
    if (p_.spec.suspend || p_.spec.concurrency.policy == ConcurrencyPolicy::kReplace)
      LeaveOutAllButNewest(plan, 0);
    for (std::size_t i = 0; i < plan.due.size() && !p_.spec.suspend; ++i) {
      if (Starting() >= kMostStarts) {
        out_.look_again = now_;
        break;
      }
      const WaitingDelivery& delivery = plan.due[i];
      const std::string& name = delivery.run->meta.name;
      const Turn turn = AskForTurn();
      if (turn == Turn::kNow) {
        out_.actions.emplace_back(ReleaseRun{name, delivery.run->meta.uid});
        out_.released.push_back(name);
      } else if (turn == Turn::kLater) {
        LeaveOutAllButNewest(plan, i);
        out_.waiting.push_back("the delivery of the webhook " + plan.due[i].trigger +
                               " waits for the end of the run before");
        break;
      } else {
        plan.left_out.push_back(
            {delivery.run, delivery.trigger, "a run is going on (concurrency policy Forbid)"});
      }
    }
    for (const WaitingDelivery& delivery : plan.left_out) LeaveOut(delivery);
    if (plan.next) out_.look_again = std::min(out_.look_again.value_or(*plan.next), *plan.next);
  }

  // Its run is deleted, and that is told, once the written status remembers the delivery, or
  // nothing does any more. The events of a plan go with a status that is written; by now it may be
  // the same.
  void LeaveOut(const WaitingDelivery& delivery) {
    const api::PipelineRun& run = *delivery.run;
    const std::string hash = LabelOf(run, kLabelDelivery);
    if (!WasTaken(p_.status.triggers, delivery.trigger, hash) &&
        WasTaken(out_.triggers, delivery.trigger, hash))
      return;
    out_.actions.emplace_back(DeleteRun{run.meta.name, run.meta.uid, delivery.why,
                                        "the delivery of the webhook " + delivery.trigger +
                                            " that was to be the run " + run.meta.name +
                                            " is left out: " + delivery.why});
  }

  const PipelineObserved& o_;
  const api::Pipeline& p_;
  const std::vector<ChangeRun>& changes_;
  const TimePoint now_;
  bool cancelled_ = false;
  Starts out_;
};

}  // namespace

Starts PlanStarts(const PipelineObserved& observed, const std::vector<ChangeRun>& changes,
                  TimePoint now) {
  return Starter(observed, changes, now).Plan();
}

}  // namespace penstock::plan
