#include "operator/plan/run/step_state.h"

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/run/world.h"

namespace penstock::plan {

const char* Name(Hold hold) {
  switch (hold) {
    case Hold::kNone:
      return "";
    case Hold::kSuspended:
      return "Suspended";
    case Hold::kDependencies:
      return "Dependencies";
    case Hold::kFingerprint:
      return "Fingerprint";
    case Hold::kCacheLookup:
      return "CacheLookup";
    case Hold::kFollowing:
      return "Following";
    case Hold::kParallelism:
      return "Parallelism";
    case Hold::kQueued:
      return "Queued";
  }
  return "";
}

Hold HoldOf(const api::StepStatus* status) {
  if (status == nullptr || status->phase != api::StepPhase::kWaiting) return Hold::kNone;
  for (const Hold hold : {Hold::kSuspended, Hold::kDependencies, Hold::kFingerprint,
                          Hold::kCacheLookup, Hold::kFollowing, Hold::kParallelism, Hold::kQueued})
    if (status->reason == Name(hold)) return hold;
  return Hold::kNone;
}

void Wait(StepState& s, Hold hold, const std::string& message) {
  if (s.status.retry_at) return;
  s.status.phase = api::StepPhase::kWaiting;
  s.status.reason = Name(hold);
  s.status.message = message;
}

void Finish(StepState& s, api::StepPhase phase, const std::string& reason,
            const std::string& message, TimePoint when) {
  s.kind = StepState::Kind::kFinal;
  s.occupies = false;
  s.wake.reset();
  s.status.phase = phase;
  s.status.reason = reason;
  s.status.message = Shown(message, 2048);
  s.status.finish_time = WholeSeconds(when);
  s.status.retry_at.reset();
}

void Succeed(StepState& s, const Receipt& receipt, TimePoint when) {
  Finish(s, api::StepPhase::kSucceeded, "", "", when);
  s.status.outputs.clear();
  for (const OutputRecord& o : receipt.outputs)
    s.status.outputs.push_back(
        {o.name, o.type, o.artifact.digest, o.artifact.folder, o.artifact.bytes});
  s.status.results.clear();
  for (const auto& [name, value] : receipt.results.items()) s.status.results[name] = value;
}

}  // namespace penstock::plan
