#include "operator/plan/step/gate_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/values/approval_verdict.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

constexpr Milliseconds kLookAtPolicy{30'000};  // whether it is in force

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class ApprovalPlanner {
 public:
  ApprovalPlanner(StepState& s, const RunObserved& o, const ValueSource& source, TimePoint now)
      : s_(s), o_(o), source_(source), now_(now), spec_(*s.step->approval) {
    unbound_ = WhyUnbound(o.approvals.policy, now);
  }

  void Advance() {
    const std::optional<TimePoint> end =
        spec_.timeout ? std::optional(*s_.status.start_time + *spec_.timeout) : std::nullopt;
    const ApprovalSubject subject{o_.run.meta, 0, &o_.run.meta};
    const ApprovalVerdict verdict =
        JudgeApprovals(spec_, s_.status.name, subject, o_.approvals, *s_.status.start_time, end);
    if (verdict.kind == ApprovalVerdict::Kind::kApproved) return Approve(verdict);
    if (verdict.kind == ApprovalVerdict::Kind::kRejected)
      return Finish(s_, StepPhase::kFailed, "Rejected",
                    "rejected by " + verdict.by.front() +
                        (verdict.comment.empty() ? "" : ": " + Shown(verdict.comment, 1024)),
                    now_);
    // Where nobody could say no, silence is no consent: it waits on.
    const bool late = end && now_ >= *end;
    const bool mute = spec_.on_timeout == api::ApprovalTimeout::kApprove && !unbound_.empty();
    if (late && !mute) return TimeOut(*end, verdict);
    s_.kind = StepState::Kind::kLive;
    s_.wake = late ? std::nullopt : end;
    if (o_.approvals.policy.by_hand) return Show(verdict);
    // The policy may go as it may come, and no event tells.
    const TimePoint again = now_ + kLookAtPolicy;
    const TimePoint& since = o_.approvals.policy.since;
    s_.wake = std::min(s_.wake.value_or(again), since > now_ ? std::min(since, again) : again);
    Show(verdict);
  }

 private:
  void Approve(const ApprovalVerdict& verdict) {
    Finish(s_, StepPhase::kSucceeded, "Approved", "approved by " + Joined(verdict.by), now_);
    s_.status.results = verdict.values;
  }

  void TimeOut(TimePoint end, const ApprovalVerdict& verdict) {
    std::string text =
        "nobody has decided within " + FormatDuration(*spec_.timeout) + " (approval.timeout)";
    if (!verdict.by.empty())
      text = "only " + Joined(verdict.by) + " approved within " + FormatDuration(*spec_.timeout) +
             " (approval.timeout)";
    for (const std::string& why : verdict.refused) text += "; " + why;
    const std::string no_consent = WhyNoConsent(verdict, unbound_);
    const auto outcome = spec_.on_timeout == api::ApprovalTimeout::kApprove && !no_consent.empty()
                             ? api::ApprovalTimeout::kFail
                             : spec_.on_timeout;
    if (outcome != spec_.on_timeout) text += "; " + no_consent;
    switch (outcome) {
      case api::ApprovalTimeout::kFail:
        return Finish(s_, StepPhase::kFailed, "ApprovalTimeout", text, end);
      case api::ApprovalTimeout::kSkip:
        return Finish(s_, StepPhase::kSkipped, "ApprovalTimeout", text, end);
      case api::ApprovalTimeout::kApprove:
        Finish(s_, StepPhase::kSucceeded, "ApprovalTimeout", text + "; onTimeout: Approve", end);
        s_.status.results = DefaultsOf(spec_);
        return;
    }
  }

  void Show(const ApprovalVerdict& verdict) {
    const bool wrong = !unbound_.empty() || !verdict.refused.empty();
    s_.status.phase = wrong ? StepPhase::kPending : StepPhase::kRunning;
    s_.status.reason = WaitReason(verdict, unbound_);
    std::string text = WaitText(spec_, Message(), verdict, unbound_);
    if (spec_.timeout && now_ >= *s_.status.start_time + *spec_.timeout)
      text += "; its time is over: " + WhyNoConsent(verdict, unbound_);
    s_.status.message = Shown(text, kMaxStepMessage);
  }

  // For those who decide, with what it refers to put in.
  [[nodiscard]] std::string Message() const {
    auto text =
        ExpandAll(Json(spec_.message), [this](const Reference& r) { return LookUp(r, source_); });
    return text ? Shown(CanonicalText(*text), 1024) : "(" + text.error().message + ")";
  }

  StepState& s_;
  const RunObserved& o_;
  const ValueSource& source_;
  const TimePoint now_;
  const api::ApprovalStep& spec_;
  std::string unbound_;  // why no decision counts now; empty: they do
};

void AdvanceWait(StepState& s, TimePoint now) {
  const TimePoint end = *s.status.start_time + *s.step->wait->duration;
  if (now >= end) return Finish(s, StepPhase::kSucceeded, "", "", end);
  s.kind = StepState::Kind::kLive;
  s.wake = end;
  s.status.phase = StepPhase::kRunning;
  s.status.reason = kAwaitingTime;
  s.status.message = "waits until " + FormatTime(std::chrono::ceil<std::chrono::seconds>(end));
}

}  // namespace

StepState ObserveGate(const ResolvedStep& step, const api::StepStatus* prior) {
  StepState s;
  s.step = &step;
  s.prior = prior;
  if (prior != nullptr) s.status = *prior;
  s.status.name = step.name;
  if (prior != nullptr && api::IsFinal(prior->phase)) {
    s.kind = StepState::Kind::kFinal;
    s.ended = prior->finish_time;
  }
  return s;
}

void AdvanceGate(StepState& s, const RunObserved& observed, const ValueSource& source,
                 TimePoint now) {
  if (!s.status.start_time) s.status.start_time = WholeSeconds(now);
  if (s.step->wait) return AdvanceWait(s, now);
  ApprovalPlanner(s, observed, source, now).Advance();
}

}  // namespace penstock::plan
