#include "operator/plan/step/put_artifacts.h"

#include <algorithm>

#include "operator/plan/attempt/attempt.h"

namespace penstock::plan {
namespace {

constexpr const char* kMissing = "InputMissing";

// Waits for the artifact, but not for ever. An operator that comes later reads in the step's start
// time since when; an attempt that was made has another.
void Miss(StepState& s, const TaskInput& input, const std::string& ns,
          std::optional<TimePoint> missing_since, TimePoint now) {
  const bool first = s.status.attempts == 0;
  const bool told =
      first && s.prior != nullptr && s.prior->reason == kMissing && s.prior->start_time;
  const TimePoint since = told ? *s.prior->start_time : WholeSeconds(missing_since.value_or(now));
  const Milliseconds limit = PendingLimit(*s.step);
  const std::string what = "input '" + input.name + "': the store of namespace " + ns + " has no " +
                           input.artifact->digest;
  const std::string cure = "upload it with `penstock artifact put`";
  if (now >= since + limit) {
    if (first) s.status.start_time.reset();
    return Finish(s, api::StepPhase::kFailed, kMissing,
                  what + ", and did not get it within " + FormatDuration(limit) + "; " + cure +
                      " and start the run again",
                  now);
  }
  s.wake = since + limit;
  s.status.phase = api::StepPhase::kPending;
  s.status.reason = kMissing;
  if (first) s.status.start_time = since;
  s.status.message = what + "; " + cure;
}

}  // namespace

bool FindPutArtifacts(StepState& s, AttemptSpec& spec, const std::set<std::string>& put_by_hand,
                      const RunObserved& observed, TimePoint now, FactRequests& requests) {
  bool known = true;
  for (TaskInput& input : spec.inputs) {
    if (!input.artifact || !put_by_hand.contains(input.name)) continue;
    const auto answer = observed.artifacts.find(input.artifact->digest);
    const bool there = answer != observed.artifacts.end() && answer->second.artifact;
    if (there) {
      input.artifact = answer->second.artifact;
      continue;
    }
    requests.artifacts.push_back(input.artifact->digest);
    if (ShowStoreTrouble(s, "input '" + input.name + "'", observed, input.artifact->digest))
      return false;
    if (answer != observed.artifacts.end()) {
      Miss(s, input, observed.run.meta.namespace_, answer->second.missing_since, now);
      return false;
    }
    known = false;
  }
  if (!known) Wait(s, Hold::kFingerprint);
  return known;
}

}  // namespace penstock::plan
