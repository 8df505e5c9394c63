#include "operator/plan/step/step_state.h"

#include <algorithm>
#include <array>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"

namespace penstock::plan {

// In the order of Hold.
constexpr std::size_t kMaxFingerprint = 1024;  // in a status
constexpr std::array kHolds{"",          "Suspended", "Dependencies", "Fingerprint", "CacheLookup",
                            "Following", "Locked",    "Parallelism",  "Queued",      "PodLimit"};

const char* Name(Hold hold) { return kHolds[static_cast<std::size_t>(hold)]; }

Hold HoldOf(const api::StepStatus* status) {
  if (status == nullptr || status->phase != api::StepPhase::kWaiting) return Hold::kNone;
  const auto* const at = std::find(kHolds.begin(), kHolds.end(), status->reason);
  return at == kHolds.end() ? Hold::kNone : static_cast<Hold>(at - kHolds.begin());
}

// A reopened one keeps saying that it has succeeded, so that the next plan knows it.
void Wait(StepState& s, Hold hold, const std::string& message) {
  if (s.status.retry_at || s.reopened) return;
  s.status.phase = api::StepPhase::kWaiting;
  s.status.reason = Name(hold);
  s.status.message = message;
}

std::string TextOf(const Refusal& delete_refused) {
  return Shown(delete_refused.object + " could not be deleted: " + delete_refused.why.message +
               "; it is tried again");
}

const StepState* WithRefusedDelete(const std::vector<StepState>& steps) {
  for (const StepState& s : steps)
    if (s.delete_refused) return &s;
  return nullptr;
}

std::string WhySuspended(const RunObserved& observed) {
  const std::string& above = observed.family.suspended_by;
  return "spec.suspend is true" +
         (observed.run.spec.suspend || above.empty() ? "" : " of the run " + above);
}

bool IsInTrouble(const StepState& s) {
  if (s.kind == StepState::Kind::kFinal || s.status.message.empty()) return false;
  if (s.status.reason == kStoreUnavailable) return true;
  return s.status.phase == api::StepPhase::kPending && s.status.reason != kStarting;
}

bool ShowStoreTrouble(StepState& s, const std::string& what, const RunObserved& observed,
                      const std::string& asked) {
  const auto trouble = observed.store_trouble.find(asked);
  if (trouble == observed.store_trouble.end()) return false;
  if (s.status.phase == api::StepPhase::kWaiting || s.reopened)
    s.status.phase = api::StepPhase::kPending;
  s.status.reason = kStoreUnavailable;
  s.status.message = Shown(what + ": the artifact store could not be asked: " + trouble->second);
  return true;
}

void Finish(StepState& s, api::StepPhase phase, const std::string& reason,
            const std::string& message, TimePoint when) {
  s.kind = StepState::Kind::kFinal;
  s.occupies = false;
  s.wake.reset();
  s.status.phase = phase;
  s.status.allowed = phase == api::StepPhase::kFailed && s.step->allow_failure;
  s.status.reason = reason;
  s.status.message = Shown(message, kMaxStepMessage);
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
  s.status.sources.clear();
  for (const ResolvedInput& input : s.step->inputs) {
    const auto print = receipt.input_fingerprints.find(input.name);
    const auto sources = input.Sources();
    const bool may_be_outside =
        std::any_of(sources.begin(), sources.end(), [](const auto* s) { return !s->uri.empty(); });
    if (!may_be_outside || print == receipt.input_fingerprints.end()) continue;
    s.status.sources[input.name] = Shown(print->second, kMaxFingerprint);  // the step's own words
  }
}

}  // namespace penstock::plan
