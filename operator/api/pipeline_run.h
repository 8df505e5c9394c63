// PipelineRun: one execution of a Pipeline, pinned. Value types.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"

namespace penstock::api {

enum class CancelMode : std::uint8_t { kNone, kStop, kNow };

// Which run this one does again, and from where: what lies before is taken as that run has it.
struct RerunSpec {
  std::string of;                 // a run of the same Pipeline that has ended
  std::vector<std::string> from;  // steps that run anew, and all after them; empty: what failed
  bool latest = false;            // of the Pipeline as it is now, not of what that run was made of
};

struct PipelineRunSpec {
  std::string pipeline_ref;                   // name; or
  bool library = false;                       // that of the operator's namespace
  std::optional<PipelineSpec> pipeline_spec;  // inline
  std::map<std::string, Json> parameters;
  std::map<std::string, std::string> inputs;  // name -> digest or URI
  bool suspend = false;
  CancelMode cancel = CancelMode::kNone;
  std::optional<Milliseconds> ttl_after_finished;
  bool publish = true;                      // its outputs become the Pipeline's when it succeeds
  std::optional<TimePoint> scheduled_time;  // what the run is for: see ScheduledTime()
  std::optional<RerunSpec> rerun;
};

enum class StepPhase : std::uint8_t {
  kWaiting,  // for steps before it, or for a place under parallelism
  kPending,  // its pod is there and has not started; reason says why
  kRunning,
  kSucceeded,  // also from the cache
  kFailed,
  kSkipped,  // its `when` was false, or a dependency's outcome was not the wanted one
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

// How the items of a looped step stand. What each of them did and gave is told by its pods and
// receipts.
struct ItemsStatus {
  int total = 0;
  std::string succeeded_indexes;  // ranges like "0-412,414"
  std::string failed_indexes;
  std::string skipped_indexes;
  int cached = 0;                           // of those that succeeded
  int running = 0;                          // that have a pod or a run
  std::string list_digest;                  // of the list, 64 hex, where a step of the run made it
  std::vector<std::string> first_failures;  // what the first items that failed say, at most three
};

// Of a step that has failed and says onFailure: what became of that.
enum class LastGoodUse : std::uint8_t {
  kUsed,    // its outputs and results are those of `run`
  kTooOld,  // those of `run` are older than maxAge
  kAbsent,  // there are none that it could give
};
struct LastGoodStatus {
  LastGoodUse outcome = LastGoodUse::kAbsent;
  std::string run;                // that made them
  std::optional<TimePoint> time;  // when
};

struct StepStatus {
  std::string name;
  StepPhase phase = StepPhase::kWaiting;
  std::string reason;  // CamelCase
  std::string message;
  int attempts = 0;
  bool allowed = false;   // it failed and may (allowFailure), or something stands in (onFailure)
  bool cached = false;    // from the cache, or, where the reason is Taken, as the run before has it
  std::string cache_key;  // empty when the step is not cacheable; reason of that in `cache_miss`
  std::string cache_miss;   // ImageNotPinned, Disabled, NotFound, ... (step_cache.cc)
  std::string cached_from;  // the run that made it
  std::string pod;          // of the newest attempt
  std::string address;      // of a daemon that is ready: its pod's
  std::string run;          // of a step that is a Pipeline: the newest attempt's PipelineRun
  std::optional<TimePoint> start_time;
  std::optional<TimePoint> finish_time;
  std::optional<TimePoint> retry_at;  // when a failed attempt is tried again
  std::optional<int> exit_code;       // of a step that failed because its program ended so
  StepRetries retries;                // spent by failed attempts
  std::vector<StepOutput> outputs;
  std::map<std::string, Json> results;
  std::map<std::string, std::string> sources;  // fingerprints of its URI inputs, as they were read
  std::optional<ItemsStatus> items;            // of a looped step, once its list is known
  std::optional<LastGoodStatus> last_good;
};

// Locks that the run, a step or an item of one holds or asks for, all of them at once.
struct RunLock {
  std::string step;         // empty: the run itself
  std::optional<int> item;  // of a looped step
  std::vector<std::string> names;
  std::int64_t turn = 0;           // asks of a namespace are served in this order
  std::optional<TimePoint> since;  // when it asked, then since when it holds them
  bool held = false;
  bool operator==(const RunLock&) const = default;
};

struct RunSummary {
  int total = 0, succeeded = 0, cached = 0, running = 0, pending = 0, waiting = 0, failed = 0,
      skipped = 0, cancelled = 0,
      allowed = 0;  // of the failed
};

struct PipelineRunStatus {
  std::int64_t observed_generation = 0;
  std::string revision;  // name of the ControllerRevision
  std::optional<TimePoint> start_time;
  std::optional<TimePoint> finish_time;
  RunSummary summary;
  std::string trouble;  // "train: OutOfMemory": the step that failed or waits, and why
  std::vector<StepStatus> steps;
  std::vector<RunLock> locks;
  // Steps that have no entry because there are too many: index ranges ("0-412,414") by the order
  // of the resolved spec. A step in neither is waiting.
  std::string succeeded_indexes;
  std::string skipped_indexes;
  std::vector<PublishedOutput> outputs;
  std::map<std::string, Json> results;  // of the Pipeline's spec.results, once all steps have ended
  std::vector<Condition> conditions;
};

struct PipelineRun {
  ObjectMeta meta;
  PipelineRunSpec spec;
  PipelineRunStatus status;
};

// $(run.scheduledTime): the time that a schedule or a backfill made the run for; of any other run,
// when it was created.
[[nodiscard]] inline TimePoint ScheduledTime(const PipelineRun& run) {
  return run.spec.scheduled_time.value_or(run.meta.created.value_or(TimePoint{}));
}

}  // namespace penstock::api
