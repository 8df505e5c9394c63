#include "operator/plan/run/refused_create.h"

#include <algorithm>
#include <string>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/refusal_reason.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kRefusedAgain{5'000};

}  // namespace

Again JudgeRefusal(StepState& s, const CreateRefusal& refusal, TimePoint now) {
  const std::string text = Shown(refusal.why.message);
  s.status.reason = RefusalReason(refusal.why.kind);
  s.status.message = text;
  s.wake = refusal.next_try > now ? refusal.next_try : now + kRefusedAgain;
  if (!IsApiServersTrouble(refusal.why.kind)) {
    const Milliseconds limit = PendingLimit(*s.step);
    const TimePoint end = refusal.since + limit;
    if (now >= end) {
      Finish(s, api::StepPhase::kFailed, s.status.reason,
             (s.step->nested ? "its run" : "its pod") +
                 std::string(" could not be created within ") + FormatDuration(limit) + ": " +
                 text + "; it is not tried again",
             now);
      return Again::kNever;
    }
    s.wake = std::min(end, *s.wake);
  }
  return refusal.next_try <= now ? Again::kNow : Again::kLater;
}

}  // namespace penstock::plan
