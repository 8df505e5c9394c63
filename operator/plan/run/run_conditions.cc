#include "operator/plan/run/run_conditions.h"

#include <algorithm>
#include <cctype>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/locks/run_locks.h"
#include "operator/plan/run/run_so_far.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/step/last_good.h"
#include "operator/plan/step/stop.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;
using api::StepPhase;

class RunConditions {
 public:
  RunConditions(const RunObserved& o, const std::vector<StepState>& steps, TimePoint now,
                RunPlan& plan)
      : o_(o), steps_(steps), now_(now), plan_(plan), sum_(plan.status.summary) {}

  RunOutcome Put() {
    plan_.status.conditions = o_.run.status.conditions;
    if (o_.WaitsForReceipts()) {
      StoreUnavailable();
    } else if (o_.resolved == nullptr) {
      Unresolved();
    } else if (plan_.finished) {
      End();
    } else if (o_.IsSuspended() && o_.run.spec.cancel == api::CancelMode::kNone) {
      Set("Ready", ConditionStatus::kFalse, "Suspended", WhySuspended(o_));
      std::string reason = "Suspended";
      std::string message = "no step is started while " + WhySuspended(o_) + "; " + Progress();
      PutRefusedDelete(reason, message);
      Set("Reconciling", ConditionStatus::kFalse, reason, message);
      Set("Stalled", ConditionStatus::kFalse, "Suspended", "");
      NotFinished("Suspended", Progress());
    } else {
      GoesOn();
    }
    PutTrouble();
    Bless();
    TellLastGood();
    TellLeftOut();
    return outcome_;
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
    if (o_.run.spec.cancel != api::CancelMode::kNone) {
      if (!plan_.finished) return Cancelling();
      return Ended(RunOutcome::kCancelled, o_.run.status.revision.empty()
                                               ? "the run was cancelled before it began"
                                               : "the run was cancelled; what it was made of is "
                                                 "not known: " +
                                                     api::Describe(o_.spec_errors));
    }
    if (plan_.finished)
      return Ended(RunOutcome::kFailed, "InvalidSpec",
                   api::Describe(o_.spec_errors) +
                       "; nothing was run, and the spec of a run cannot change: correct it in "
                       "another run");
    if (WaitsForTurn(o_.run)) return WaitsForItsTurn();
    if (o_.pin_refused) return PinRefused(*o_.pin_refused);
    const bool wrong = !o_.spec_errors.empty();
    const std::string reason = wrong ? "InvalidSpec" : "Resolving";
    const std::string message =
        wrong ? api::Describe(o_.spec_errors) + "; nothing is run until this is corrected"
              : "the Pipeline and its Components are looked up";
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", wrong ? ConditionStatus::kFalse : ConditionStatus::kTrue, reason, message);
    Set("Stalled", wrong ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason, message);
    NotFinished(reason, message);
  }

  void WaitsForItsTurn() {
    const std::string message =
        "it begins when its Pipeline's debounce, suspend and concurrency let it";
    Set("Ready", ConditionStatus::kFalse, "Waiting", message);
    Set("Reconciling", ConditionStatus::kTrue, "Waiting", message);
    Set("Stalled", ConditionStatus::kFalse, "Waiting", "");
    NotFinished("Waiting", message);
  }

  // Pods of a run of which nothing else is known.
  void Cancelling() {
    std::string reason = "Cancelling";
    std::string message = "running steps are being ended";
    if (plan_.delete_refused) {
      reason = RefusalReason(plan_.delete_refused->why.kind);
      message = TextOf(*plan_.delete_refused) + "; " + message;
    }
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", ConditionStatus::kTrue, reason, message);
    Set("Stalled", ConditionStatus::kFalse, reason, "");
    NotFinished(reason, message);
  }

  void StoreUnavailable() {
    const std::string message =
        "which attempts have ended is not known, as the artifact store could not be asked: " +
        o_.receipts_trouble + "; it is tried again, and nothing is started before";
    Set("Ready", ConditionStatus::kFalse, kStoreUnavailable, message);
    Set("Reconciling", ConditionStatus::kTrue, kStoreUnavailable, message);
    Set("Stalled", ConditionStatus::kFalse, kStoreUnavailable, "");
    NotFinished(kStoreUnavailable, message);
    plan_.status.trouble = kStoreUnavailable;
  }

  void PinRefused(const Error& why) {
    const std::string reason = RefusalReason(why.kind);
    const std::string message =
        "what runs could not be pinned in a ControllerRevision: " + why.message +
        "; it is tried again";
    const bool passes = IsApiServersTrouble(why.kind);
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", passes ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason, message);
    Set("Stalled", passes ? ConditionStatus::kFalse : ConditionStatus::kTrue, reason, message);
    NotFinished(reason, message);
  }

  [[nodiscard]] std::string Progress() const {
    std::string text = std::to_string(sum_.succeeded) + " of " + std::to_string(sum_.total) +
                       " steps have succeeded";
    if (sum_.failed > 0) text += ", " + std::to_string(sum_.failed) + " failed";
    const int stood_in = static_cast<int>(
        std::count_if(steps_.begin(), steps_.end(), [](const StepState& s) { return IsUsed(s); }));
    const int may = sum_.allowed - stood_in;
    if (may > 0)
      text += may == sum_.failed ? " and may (allowFailure)"
                                 : ", of which " + std::to_string(may) + " may (allowFailure)";
    if (stood_in > 0)
      text += "; for " + std::to_string(stood_in) + " stands in what was made last (onFailure)";
    return text;
  }
  static bool IsUsed(const StepState& s) {
    return s.status.last_good && s.status.last_good->outcome == api::LastGoodUse::kUsed;
  }
  // It stays: who was told by an event of an hour ago is not.
  void TellLeftOut() {
    const std::string text = LeftOutText(o_);
    if (!text.empty()) Set(kPodsAsAsked, ConditionStatus::kFalse, kFieldsLeftOut, text);
  }
  // What follows from it is as old as that.
  void TellLastGood() {
    std::string text;
    for (const StepState& s : steps_) {
      if (!IsUsed(s)) continue;
      const api::LastGoodStatus& last = *s.status.last_good;
      text += (text.empty() ? "" : "; ") + std::string("step ") + s.status.name +
              " has failed: what run " + last.run + " gave at " +
              FormatTime(last.time.value_or(TimePoint{})) + " stands in for it";
    }
    if (!text.empty()) Set(kLastGoodUsed, ConditionStatus::kTrue, "StepFailed", text);
  }

  // The first step that is in trouble but may come out of it.
  [[nodiscard]] const StepState* Troubled() const {
    for (const StepState& s : steps_)
      if (IsInTrouble(s)) return &s;
    return nullptr;
  }
  [[nodiscard]] const StepState* AwaitsApproval() const {
    for (const StepState& s : steps_)
      if (s.kind == StepState::Kind::kLive && s.status.reason == kAwaitingApproval) return &s;
    return nullptr;
  }
  // The first that waits for a lock, where nothing else goes on.
  [[nodiscard]] const StepState* Locked() const {
    if (sum_.running + sum_.pending > 0) return nullptr;
    for (const StepState& s : steps_)
      if (s.status.phase == StepPhase::kWaiting && s.status.reason == kLocked) return &s;
    return nullptr;
  }
  // The same for a place among the namespace's pods.
  [[nodiscard]] const StepState* WithoutRoom() const {
    if (sum_.running + sum_.pending > 0) return nullptr;
    for (const StepState& s : steps_)
      if (HoldOf(&s.status) == Hold::kPodLimit) return &s;
    return nullptr;
  }
  [[nodiscard]] const StepState* FirstFailed() const {
    for (const StepState& s : steps_)
      if (s.status.phase == StepPhase::kFailed && !s.status.allowed) return &s;
    return nullptr;
  }

  // It comes before whatever else there is to say.
  void PutRefusedDelete(std::string& reason, std::string& message) const {
    const StepState* kept = WithRefusedDelete(steps_);
    if (kept == nullptr) return;
    reason = RefusalReason(kept->delete_refused->why.kind);
    message = "step " + kept->status.name + ": " + TextOf(*kept->delete_refused) + "; " + message;
  }

  // For tables, which have no room for a sentence.
  void PutTrouble() {
    const StepState* failed = FirstFailed();
    const StepState* step = failed != nullptr || plan_.finished ? failed : Troubled();
    if (step == nullptr && !plan_.finished) step = AwaitsApproval();
    if (step == nullptr && !plan_.finished) step = Locked();
    if (step == nullptr && !plan_.finished) step = WithoutRoom();
    if (step != nullptr) plan_.status.trouble = step->status.name + ": " + step->status.reason;
    const StepState* kept = WithRefusedDelete(steps_);
    if (step == nullptr && kept != nullptr)
      plan_.status.trouble =
          kept->status.name + ": " + RefusalReason(kept->delete_refused->why.kind);
  }

  static std::string Describe(const StepState& s) {
    return "step " + s.status.name + " (" + s.status.reason + "): " + s.status.message;
  }

  static std::string Again(const StepState& s) {
    if (s.status.reason == kApiServerError || s.status.reason == kStoreUnavailable)
      return "; it is tried again";
    if (s.status.reason == kApprovalRefused) return "; somebody else may decide";
    if (s.status.reason == kApprovalUnbound) return "; it is looked at again";
    if (s.status.reason == kLockInvalid) return "; it goes on when that is corrected";
    return "; it is tried again for up to " + FormatDuration(PendingLimit(*s.step)) +
           " (timeouts.pending)";
  }

  // Others than finally steps.
  [[nodiscard]] bool StepsGoOn() const {
    return HowItStands(steps_, Among::kSteps).outcome == RunOutcome::kActive;
  }
  [[nodiscard]] bool FinallyRuns() const {
    return !StepsGoOn() && std::any_of(steps_.begin(), steps_.end(), [](const StepState& s) {
      return s.step->final_step && s.kind != StepState::Kind::kFinal;
    });
  }
  // What a run of which a step has failed still does.
  [[nodiscard]] const char* GoingOn() const {
    if (StepsGoOn()) return "; steps that do not depend on it go on; ";
    return FinallyRuns() ? "; its finally steps run; " : "; its last pods are being ended; ";
  }
  // What a run that is stopped still does.
  [[nodiscard]] std::string Ending() const {
    return FinallyRuns() ? "its finally steps run; " : "running steps are being ended; ";
  }
  // Steps that the deadline stops, or has stopped.
  [[nodiscard]] bool HasLate() const {
    const RunSoFar so_far = HowItStands(steps_, Among::kSteps);
    return so_far.outcome == RunOutcome::kActive || so_far.reason == kDeadlineExceeded;
  }

  void GoesOn() {
    std::string reason = "Progressing";
    std::string message = Progress();
    const StepState* troubled = Troubled();
    if (o_.run.spec.cancel != api::CancelMode::kNone) {
      reason = "Cancelling";
      message = Ending() + message;
    } else if (const auto deadline = DeadlineOf(o_); deadline && now_ >= *deadline && HasLate()) {
      reason = kDeadlineExceeded;
      message = "timeouts.run (" + FormatDuration(*o_.resolved->timeout) +
                ") has passed: " + Ending() + message;
    } else if (const StepState* failed = FirstFailed()) {
      reason = "StepFailed";
      message = Describe(*failed) + GoingOn() + message;
    } else if (troubled != nullptr) {
      reason = troubled->status.retry_at ? "Retrying" : "Waiting";
      // a retry's own message says which try it is
      const std::string again = troubled->status.retry_at ? "" : Again(*troubled);
      message = Describe(*troubled) + again + "; " + message;
    } else if (const StepState* decides = AwaitsApproval()) {
      reason = kAwaitingApproval;
      message = Describe(*decides) + "; " + message;
    } else if (const StepState* locked = Locked()) {
      reason = kLocked;
      message = Describe(*locked) + "; " + message;
    } else if (const StepState* waits = WithoutRoom()) {
      reason = Name(Hold::kPodLimit);
      message = Describe(*waits) + "; " + message;
    }
    PutRefusedDelete(reason, message);
    Set("Ready", ConditionStatus::kFalse, reason, message);
    Set("Reconciling", ConditionStatus::kTrue, reason, message);
    Set("Stalled", ConditionStatus::kFalse, reason, "");
    NotFinished(reason, message);
  }

  void Ended(RunOutcome outcome, const std::string& reason, const std::string& message) {
    outcome_ = outcome;
    const bool failed = outcome == RunOutcome::kFailed;
    // A run that was cancelled does what its spec asks: Ready.
    Set("Ready", failed ? ConditionStatus::kFalse : ConditionStatus::kTrue, reason, message);
    Set("Reconciling", ConditionStatus::kFalse, reason, "");
    Set("Stalled", failed ? ConditionStatus::kTrue : ConditionStatus::kFalse, reason,
        failed ? message : "");
    Set("Succeeded",
        outcome == RunOutcome::kSucceeded ? ConditionStatus::kTrue : ConditionStatus::kFalse,
        reason, message);
    Set("Finished", ConditionStatus::kTrue, reason, message);
  }
  void Ended(RunOutcome outcome, const std::string& message) {
    Ended(outcome, Name(outcome), message);
  }

  void End() {
    const RunSoFar end = HowItStands(steps_, Among::kAll);
    if (end.reason == kDeadlineExceeded)
      return Ended(RunOutcome::kFailed, end.reason,
                   "the run had not ended within " + FormatDuration(*o_.resolved->timeout) +
                       " (timeouts.run); " + Progress());
    if (end.outcome == RunOutcome::kCancelled)
      return Ended(RunOutcome::kCancelled, "the run was cancelled; " + Progress());
    if (end.failures.empty())
      return Ended(
          RunOutcome::kSucceeded,
          Progress() +
              (sum_.skipped > 0 ? ", " + std::to_string(sum_.skipped) + " were skipped" : ""));
    std::string message = Describe(*end.failures.front());
    if (end.failures.size() > 1)
      message += "; " + std::to_string(end.failures.size() - 1) + " more failed";
    Ended(RunOutcome::kFailed, "StepFailed", message);
  }

  // A step with a boolean result `blessed` gives its verdict to the run.
  void Bless() {
    for (const StepState& s : steps_) {
      if (IsUsed(s)) continue;  // an older verdict, on what another run made
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
  RunOutcome outcome_ = RunOutcome::kActive;
};

}  // namespace

std::string LeftOutText(const RunObserved& observed) {
  std::string text;
  for (const auto& [step, fields] : observed.left_out) {
    text += (text.empty() ? "" : "; ") + std::string("step ") + step + ": ";
    for (const std::string& field : fields) text += (field == fields[0] ? "" : ", ") + field;
  }
  if (text.empty()) return text;
  return "the API server took pods without what they were to have (" + text +
         "): this cluster does not know it, or leaves it out by a policy; they run without it";
}

RunOutcome PutConditions(const RunObserved& observed, const std::vector<StepState>& steps,
                         TimePoint now, RunPlan& plan) {
  return RunConditions(observed, steps, now, plan).Put();
}

}  // namespace penstock::plan
