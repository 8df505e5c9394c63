// The words in which a run's decisions are made: what was observed of it, the answers to what was
// asked, and what comes out: actions, events, questions, status. Value types; the decider is
// run_plan.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/error.h"
#include "operator/plan/attempt/attempt.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/locks/lock_words.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/step/run_outcome.h"
#include "operator/plan/values/approval_words.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// As a time is read back from an object.
[[nodiscard]] inline TimePoint WholeSeconds(TimePoint t) {
  return std::chrono::floor<std::chrono::seconds>(t);
}

// The answer to a request for a fact; absent from its map = not asked or not answered yet.
struct CacheAnswer {
  std::optional<Receipt> hit;  // outputs verified to exist
  std::string following_run;   // another run's live pod makes it now (run and step for the message)
  std::optional<TimePoint> following_since = {};  // since when this run waits for it
};
struct FingerprintAnswer {
  std::string fingerprint;  // empty: the source has none
  std::string error;        // it could not be asked; the step runs
  bool refused = false;     // it may not be asked
};
struct ArtifactAnswer {
  std::optional<ArtifactRef> artifact;  // nullopt: the namespace's store does not have it (yet)
  // Since when it is missed, as CreateRefusal counts.
  std::optional<TimePoint> missing_since = {};
};

struct CreateRefusal {
  Error why;
  // The time for which it has been refused is counted from here. Neither the API server's own
  // trouble is in it, nor a time in which nobody asked for the pod.
  TimePoint since;
  TimePoint next_try = {};  // nothing is asked for before
};

// A DELETE of a pod that is still there.
struct DeleteTried {
  std::optional<Error> refused;  // why the API server did not take it
  TimePoint next_try;            // it is not sent again before
  int grace_seconds = 0;
};

// A run that is an attempt of this one's step (child_fact.h).
struct ChildFact {
  std::string name;
  std::string uid;
  std::string step;
  std::optional<int> item;  // of a looped step
  int attempt = 1;
  Spent spent;  // by the attempts before it
  RunOutcome outcome = RunOutcome::kActive;
  api::CancelMode cancel = api::CancelMode::kNone;
  bool deleting = false;
  bool suspended = false;  // by its own spec
  std::string reason;      // of its condition Succeeded
  std::string message;
  std::string trouble;  // "train: OutOfMemory"; empty: nothing is wrong with it
  std::optional<TimePoint> created, started, finished;
  std::vector<api::PublishedOutput> outputs;
  std::map<std::string, Json> results;
};

// Where a run stands among those that are within each other.
struct Family {
  std::vector<std::string> above;  // what the runs above it are of, outermost first; empty: none
  std::string root_uid;            // of the outermost; empty: it is itself
  std::size_t runs = 0;            // below the outermost, in all
  std::string suspended_by;        // the nearest run above that is suspended
  bool is_orphan = false;          // one above it is gone: it makes nothing, and is ended
};

// An attempt of an item of a looped step that was made, while its pod is not seen.
struct ItemAttempt {
  int attempt = 0;
  std::string pod;
  std::string cache_key;
  Spent spent = {};  // by the attempts before it
};

// What the items of a looped step gave, put together: a folder an output, a list a result.
struct GatherAnswer {
  std::string succeeded;  // of the request that is answered
  std::vector<OutputRecord> outputs;
  std::map<std::string, Json> results;  // null for an item that gave none
  std::vector<std::size_t> missing;     // items that succeeded and of which no receipt tells
  bool taken_up = false;                // the missing ones are seen to
  std::string failed = {};              // why they cannot be put together, ever
};

// What a step gave in an earlier run of the same Pipeline, in which it succeeded.
struct LastGood {
  std::string run;
  TimePoint time;  // when it did
  std::vector<api::StepOutput> outputs;
  std::map<std::string, Json> results;
};
struct LastGoodAnswer {
  std::optional<LastGood> found;  // the newest whose outputs are all there
  std::string why_none;           // a sentence without its end
};

// The run that another one does again (spec.rerun), as it ended.
struct FormerRun {
  api::PipelineRun run;
  std::shared_ptr<const ResolvedRun> resolved;  // null: it is not kept
};

struct RunObserved {
  api::PipelineRun run;
  std::shared_ptr<const ResolvedRun> resolved;  // null until resolved
  std::vector<api::FieldError> spec_errors;     // why it is absent
  bool unresolvable =
      false;             // spec_errors stand for good: they are the run's own, which cannot change
  std::string revision;  // ControllerRevision name
  std::shared_ptr<const FormerRun> former;  // until it is decided what is taken; null: none
  std::optional<Error> pin_refused;  // why the API server did not take it; then `resolved` is null
  std::vector<PodFact> pods;         // all attempts' pods that exist
  std::vector<ChildFact> children;   // the same of attempts that are runs
  std::map<std::string, bool> run_gone;  // run name -> a live GET said NotFound
  Family family;
  LockFacts locks;
  ApprovalFacts approvals;
  // Pods that the namespace may still have, by the platform's limit; none: there is no limit.
  std::optional<int> pods_left;
  // By step and item; not of items that have ended by the status.
  std::map<std::string, std::map<int, ItemAttempt>> item_attempts;
  std::map<std::string, std::shared_ptr<const GatherAnswer>> gathered;     // by step
  std::map<std::string, std::shared_ptr<const LastGoodAnswer>> last_good;  // by step
  std::map<std::string, bool> pod_gone;                   // pod name -> a live GET said NotFound
  std::map<std::string, CacheAnswer> cache;               // by cache key
  std::map<std::string, ReceiptAnswer> receipts;          // by pod name
  std::map<std::string, FingerprintAnswer> fingerprints;  // by URI
  std::map<std::string, ArtifactAnswer> artifacts;        // by digest; of those put by hand
  // Why a pod, or the ConfigMap that it mounts, could not be created (quota, admission), by pod
  // name. The plan asks for the pod again when its pause is over, until timeouts.pending.
  std::map<std::string, CreateRefusal> create_errors;
  std::map<std::string, DeleteTried> deletes;  // by pod UID
  // What the API server did not keep of the pods that it was asked for, by step: paths of fields.
  std::map<std::string, std::vector<std::string>> left_out;
  // Why the store could not answer, by cache key, pod or digest that it was asked for. It is asked
  // again.
  std::map<std::string, std::string> store_trouble;
  // Why the store could not be asked which attempts left a receipt, of a run that another
  // controller began; empty: they are known. It is asked again, and nothing is planned before it
  // answers, but a cancel is carried out.
  std::string receipts_trouble;
  // By itself, or by one above it.
  [[nodiscard]] bool IsSuspended() const {
    return run.spec.suspend || !family.suspended_by.empty();
  }
  [[nodiscard]] bool WaitsForReceipts() const {
    return !receipts_trouble.empty() && run.spec.cancel == api::CancelMode::kNone;
  }
};

struct CreatePod {
  std::string name;
  Json pod;
};
struct CreateConfigMap {
  std::string name;
  Json config_map;
  std::string pod;  // that mounts it, and is not made without it
};
// Of a volume that is made for the run.
struct CreateClaim {
  std::string name;
  Json claim;
  std::string pod;  // the first that mounts it, and is not made without it
};
struct DeletePod {
  std::string name;
  std::string uid;
  int grace_seconds = 30;
};
struct RecordCache {
  std::string key;
  Receipt receipt;
};
// The entry gave bytes that do not match their digest.
struct DropCache {
  std::string key;
};
struct CreateChild {
  std::string name;
  Json run;
};
struct CancelChild {  // merge patch {"spec": {"cancel": mode}}
  std::string name;
  std::string uid;
  api::CancelMode mode = api::CancelMode::kStop;
};
// Labels of the run itself: merge patch {"metadata": {"labels": labels}}.
struct PutRunLabels {
  std::map<std::string, std::string> labels;
};
// What an item gave that no launcher has told the store under the attempt's name: it came from the
// cache, or its receipt was lost.
struct KeepReceipt {
  Receipt receipt;
};
using RunAction = std::variant<CreatePod, CreateConfigMap, CreateClaim, DeletePod, RecordCache,
                               DropCache, KeepReceipt, CreateChild, CancelChild, PutRunLabels>;

// What the API server would not take. It is tried again with growing pauses.
struct Refusal {
  std::string object;  // "Deployment flights-v2"
  Error why;
  Milliseconds since{0};  // how long it has been refused, by a steady clock
};

struct RunEvent {
  std::string type;
  std::string reason;
  std::string message;
};  // Normal or Warning

// Facts that the plan needs before it can go on; the controller fetches them off the worker and
// requeues the run.
struct GatherRequest {
  std::string step;
  std::shared_ptr<const ResolvedRun> resolved;
  int total = 0;
  std::string succeeded;  // their indexes, as FormatIndexes writes them
};

struct LastGoodRequest {
  std::string step;
  std::shared_ptr<const ResolvedRun> resolved;
};

struct FactRequests {
  std::vector<std::string> cache_keys;
  std::vector<std::string> receipts;       // pod names
  std::vector<std::string> live_pods;      // pod names to GET
  std::vector<std::string> live_runs;      // names of child runs to GET
  std::vector<std::string> fingerprints;   // URIs
  std::vector<std::string> artifacts;      // digests
  std::vector<std::string> followed_keys;  // cache keys that other runs make: looked at again
  std::vector<GatherRequest> gathers;
  std::vector<LastGoodRequest> last_good;
  std::vector<std::string> taken_up;  // steps: what their last answer to a gather misses is seen to
  // Answers that nobody asks for again: of items that have ended.
  std::vector<std::string> settled_keys, settled_pods;
};

struct RunPlan {
  std::vector<RunAction> actions;  // in order; at most 50 creates
  // Pods, and child runs, that were refused and would be made if the pauses between tries were
  // over.
  std::vector<std::string> held_pods;
  api::PipelineRunStatus status;
  // Of a pod of a run that is not known to the last step.
  std::optional<Refusal> delete_refused = {};
  std::vector<RunEvent> events;  // to be sent after the status was written
  FactRequests requests;
  std::optional<Milliseconds> requeue_after;
  bool urgent_status = false;  // first, failure or end: write at once, else coalesce to 1/s
  bool finished = false;
  bool waits_for_room = false;  // for a pod of the namespace to end (RunObserved::pods_left)
  // It asks for locks or takes some: the status is written before anything is done.
  bool takes_locks = false;
};

}  // namespace penstock::plan
