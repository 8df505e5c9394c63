// PipelineRun: one execution of a Pipeline, pinned. Value types.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"

namespace penstock::api {

enum class CancelMode : std::uint8_t { kNone, kStop, kNow };

struct PipelineRunSpec {
  std::string pipeline_ref;                   // name; or
  std::optional<PipelineSpec> pipeline_spec;  // inline
  std::map<std::string, Json> parameters;
  bool suspend = false;
  CancelMode cancel = CancelMode::kNone;
  std::optional<Milliseconds> ttl_after_finished;
  bool publish = true;  // its outputs become the Pipeline's when it succeeds
};

enum class StepPhase : std::uint8_t {
  kWaiting,  // for steps before it, or for a place under parallelism
  kPending,  // its pod is there and has not started; reason says why
  kRunning,
  kSucceeded,  // also from the cache
  kFailed,
  kSkipped,  // a dependency's outcome was not the wanted one
  kCancelled,
};
[[nodiscard]] const char* Name(StepPhase phase);
[[nodiscard]] inline bool IsFinal(StepPhase p) {
  return p == StepPhase::kSucceeded || p == StepPhase::kFailed || p == StepPhase::kSkipped ||
         p == StepPhase::kCancelled;
}

struct StepOutput {
  std::string name;
  std::string type;
  std::string digest;
  bool folder = false;
  std::uint64_t bytes = 0;
};

// By failure class.
struct StepRetries {
  int user = 0, out_of_memory = 0, infrastructure = 0, timeout = 0;
  bool operator==(const StepRetries&) const = default;
};

struct StepStatus {
  std::string name;
  StepPhase phase = StepPhase::kWaiting;
  std::string reason;  // CamelCase
  std::string message;
  int attempts = 0;
  bool cached = false;
  std::string cache_key;    // empty when the step is not cacheable; reason of that in `cache_miss`
  std::string cache_miss;   // ImageNotPinned, Disabled, NotFound, ... (step_cache.cc)
  std::string cached_from;  // the run that made what the cache gave
  std::string pod;          // of the newest attempt
  std::optional<TimePoint> start_time;
  std::optional<TimePoint> finish_time;
  std::optional<TimePoint> retry_at;  // when a failed attempt is tried again
  StepRetries retries;                // spent by failed attempts
  std::vector<StepOutput> outputs;
  std::map<std::string, Json> results;
  std::map<std::string, std::string> sources;  // fingerprints of its URI inputs, as they were read
};

struct RunSummary {
  int total = 0, succeeded = 0, cached = 0, running = 0, pending = 0, waiting = 0, failed = 0,
      skipped = 0, cancelled = 0;
};

struct PipelineRunStatus {
  std::int64_t observed_generation = 0;
  std::string revision;  // name of the ControllerRevision
  std::optional<TimePoint> start_time;
  std::optional<TimePoint> finish_time;
  RunSummary summary;
  std::string trouble;  // "train: OutOfMemory": the step that failed or waits, and why
  std::vector<StepStatus> steps;
  // Steps that have no entry because there are too many: index ranges ("0-412,414") by the order
  // of the resolved spec. A step in neither is waiting.
  std::string succeeded_indexes;
  std::string skipped_indexes;
  std::vector<PublishedOutput> outputs;
  std::vector<Condition> conditions;
};

struct PipelineRun {
  ObjectMeta meta;
  PipelineRunSpec spec;
  PipelineRunStatus status;
};

}  // namespace penstock::api
