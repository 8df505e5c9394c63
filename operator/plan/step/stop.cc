#include "operator/plan/step/stop.h"

namespace penstock::plan {

std::optional<TimePoint> DeadlineOf(const RunObserved& o) {
  if (o.resolved == nullptr || !o.resolved->timeout || !o.run.status.start_time)
    return std::nullopt;
  return *o.run.status.start_time + *o.resolved->timeout;
}

Stop StopOf(const RunObserved& o, const ResolvedStep& step, TimePoint now) {
  return step.final_step && o.run.spec.cancel != api::CancelMode::kNow ? Stop{} : StopOf(o, now);
}

Stop StopOf(const RunObserved& o, TimePoint now) {
  const api::CancelMode cancel = o.run.spec.cancel;
  if (cancel == api::CancelMode::kNow)
    return {Stop::How::kAtOnce, "Cancelled",
            o.family.is_orphan ? "the run that this one is a step of is gone"
                               : "the run was cancelled"};
  if (cancel == api::CancelMode::kStop)
    return {Stop::How::kWithGrace, "Cancelled", "the run was cancelled"};
  const auto deadline = DeadlineOf(o);
  if (!deadline || now < *deadline) return {};
  return {
      Stop::How::kWithGrace, kDeadlineExceeded,
      "the run had not ended within " + FormatDuration(*o.resolved->timeout) + " (timeouts.run)"};
}

}  // namespace penstock::plan
