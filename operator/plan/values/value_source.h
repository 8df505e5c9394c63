// Where the references that only a run can know get their values. Pure.
//
//   $(steps.s.results.r)   what a step that has ended gave, also one that failed
//   $(steps.s.status)      how it ended: Succeeded, Failed, Skipped, Cancelled
//   $(steps.s.address)     where a daemon serves
//   $(run.name)            uid, namespace, pipeline, scheduledTime; in finally also status,
//   failures, duration
//   $(each.value)          index and what else `each` has: of an item of a looped step
//
// Behind each of them fields and items may follow: $(steps.s.results.rows[0].name).
#pragma once

#include <functional>
#include <string>

#include "operator/api/pipeline_run.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

// The status of a step of the run, as it is now; null: there is none.
using StatusOf = std::function<const api::StepStatus*(const std::string& step)>;

// Borrows all of it for one call.
struct ValueSource {
  const api::PipelineRun& run;
  const StatusOf& status_of;
  const Json* each = nullptr;        // {"value": ..., "index": 3}; null: the step is no loop
  const Json* run_so_far = nullptr;  // {"status": ..., ...}: of a finally step; null: of others
};

// Reason of a step that has ended and whose entry did not fit into the run's status: how it ended
// is known, what it gave is not.
inline constexpr const char* kNoEntry = "NoEntry";
[[nodiscard]] bool HasNoEntry(const api::StepStatus& ended);

// Why a result that is not in the status of its step is not absent but out of reach: the step has
// no entry, or the list is too long; empty: the step did not give it.
[[nodiscard]] std::string WhyOutOfReach(const api::StepStatus& ended, const std::string& result);

// NotFound: absent (a result that was not given, a field that is not there), and then the message
// says what there is. Invalid: the reference cannot stand where it stands, or what it names is out
// of reach.
[[nodiscard]] Result<Json> LookUp(const Reference& reference, const ValueSource& source);

// True of a result that its step has not given, whatever field of it is asked for.
[[nodiscard]] bool IsAbsentResult(const Reference& reference, const ValueSource& source);

}  // namespace penstock::plan
