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
#include "operator/plan/resolve/resolve.h"
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

struct RunObserved {
  api::PipelineRun run;
  std::shared_ptr<const ResolvedRun> resolved;  // null until resolved
  std::vector<api::FieldError> spec_errors;     // why it is absent
  bool unresolvable =
      false;             // spec_errors stand for good: they are the run's own, which cannot change
  std::string revision;  // ControllerRevision name
  std::optional<Error> pin_refused;  // why the API server did not take it; then `resolved` is null
  std::vector<PodFact> pods;         // all attempts' pods that exist
  std::map<std::string, bool> pod_gone;                   // pod name -> a live GET said NotFound
  std::map<std::string, CacheAnswer> cache;               // by cache key
  std::map<std::string, ReceiptAnswer> receipts;          // by pod name
  std::map<std::string, FingerprintAnswer> fingerprints;  // by URI
  std::map<std::string, ArtifactAnswer> artifacts;        // by digest; of those put by hand
  // Why a pod, or the ConfigMap that it mounts, could not be created (quota, admission), by pod
  // name. The plan asks for the pod again when its pause is over, until timeouts.pending.
  std::map<std::string, CreateRefusal> create_errors;
  std::map<std::string, DeleteTried> deletes;  // by pod UID
  // Why the store could not answer, by cache key, pod or digest that it was asked for. It is asked
  // again.
  std::map<std::string, std::string> store_trouble;
  // Why the store could not be asked which attempts left a receipt, of a run that another
  // controller began; empty: they are known. It is asked again, and nothing is planned before it
  // answers, but a cancel is carried out.
  std::string receipts_trouble;
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
using RunAction = std::variant<CreatePod, CreateConfigMap, DeletePod, RecordCache, DropCache>;

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
struct FactRequests {
  std::vector<std::string> cache_keys;
  std::vector<std::string> receipts;       // pod names
  std::vector<std::string> live_pods;      // pod names to GET
  std::vector<std::string> fingerprints;   // URIs
  std::vector<std::string> artifacts;      // digests
  std::vector<std::string> followed_keys;  // cache keys that other runs make: looked at again
};

struct RunPlan {
  std::vector<RunAction> actions;  // in order; at most 50 creates
  // Pods that were refused and would be made if the pauses between tries were over.
  std::vector<std::string> held_pods;
  api::PipelineRunStatus status;
  // Of a pod of a run that is not known to the last step.
  std::optional<Refusal> delete_refused = {};
  std::vector<RunEvent> events;  // to be sent after the status was written
  FactRequests requests;
  std::optional<Milliseconds> requeue_after;
  bool urgent_status = false;  // first, failure or end: write at once, else coalesce to 1/s
  bool finished = false;
};

}  // namespace penstock::plan
