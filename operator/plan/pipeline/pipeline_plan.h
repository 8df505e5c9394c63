// Decides what a Pipeline needs next: which run to start, stop or delete, what it publishes, what
// its conditions say. Pure: (pipeline, its runs, now) in, (actions, status, requeue) out.
//
//   a change of what would run                         newest succeeded run made by change
//   -------------------------> start <p>-<hash>-<n>    ---------------------------------> outputs
//       Queue: waits for the running one; the latest change wins
//       Forbid: left out while one runs    Replace: the running one is cancelled    Allow: at once
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/run/run_plan.h"

namespace penstock::plan {

inline constexpr const char* kLabelPipeline = "penstock.dev/pipeline";
inline constexpr const char* kLabelRunHash = "penstock.dev/run-hash";
// Why the controller made a run: "Change" (later Schedule, Trigger). Absent on runs by hand.
inline constexpr const char* kLabelCause = "penstock.dev/cause";

struct PipelineObserved {
  api::Pipeline pipeline;
  // Of decoding, Validate and Resolve (against the Components that exist now); empty: valid.
  std::vector<api::FieldError> spec_errors;
  std::vector<std::string> warnings;
  std::vector<api::PipelineRun> runs;  // all that name this Pipeline, whoever made them
  std::string create_refused;          // why the API server refused the last run, or empty
};

struct CreateRun {
  std::string name;
  Json run;  // the whole object
};
struct CancelRun {  // merge patch {"spec":{"cancel": mode}}
  std::string name;
  std::string uid;
  std::string mode;  // "Now"
};
struct DeleteRun {
  std::string name;
  std::string uid;
  std::string why;  // one line for the log
};
using PipelineAction = std::variant<CreateRun, CancelRun, DeleteRun>;

struct PipelinePlan {
  std::vector<PipelineAction> actions;
  api::PipelineStatus status;
  std::vector<RunEvent> events;
  std::optional<Milliseconds> requeue_after;
};

[[nodiscard]] PipelinePlan PlanPipeline(const PipelineObserved& observed, TimePoint now);

// "<pipeline>-<hash>-<n>".
[[nodiscard]] std::string RunName(const std::string& pipeline, const std::string& hash, int n);

}  // namespace penstock::plan
