#include "operator/plan/run/step_state.h"

#include <algorithm>
#include <array>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/run/world.h"

namespace penstock::plan {

// In the order of Hold.
constexpr std::array kHolds{
    "",          "Suspended",   "Dependencies", "Fingerprint", "CacheLookup",
    "Following", "Parallelism", "Queued"};

const char* Name(Hold hold) { return kHolds[static_cast<std::size_t>(hold)]; }

Hold HoldOf(const api::StepStatus* status) {
  if (status == nullptr || status->phase != api::StepPhase::kWaiting) return Hold::kNone;
  const auto* const at = std::find(kHolds.begin(), kHolds.end(), status->reason);
  return at == kHolds.end() ? Hold::kNone : static_cast<Hold>(at - kHolds.begin());
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
