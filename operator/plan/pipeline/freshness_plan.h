// Whether what a Pipeline makes is as fresh as it is to be. Pure but for zoneinfo.
//
//   freshness.maxAge            counts from the end of the last run that succeeded, or from the
//                               Pipeline's making where none has; not of one in which something
//                               older stood in for a step (onFailure)
//   schedules[].finishWithin    counts from each time of the schedule: a run for it, or for a later
//                               one, must have succeeded by then
//
//        watched, or the last          now - finishWithin        now
//        time that succeeded
//   ---------|------------x------------------|---------x----------|--->
//                         late: the newest such        not yet
//
// A Pipeline or schedule that is suspended is late for nothing; nor is a time before the operator
// first saw the schedule with its finishWithin.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/api/pipeline_run.h"

namespace penstock::plan {

struct Freshness {
  bool declared = false;
  std::string late;                     // what should be there and is not; empty: all is
  std::optional<TimePoint> look_again;  // when that may change by time alone
};

// `runs` are those that are not being deleted. `status` has the schedules as they are planned; what
// is remembered of successes goes there, as runs are deleted.
[[nodiscard]] Freshness PlanFreshness(const api::Pipeline& pipeline,
                                      const std::vector<const api::PipelineRun*>& runs,
                                      TimePoint now, api::PipelineStatus& status);

}  // namespace penstock::plan
