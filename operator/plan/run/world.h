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
};
struct FingerprintAnswer {
  std::string fingerprint;  // empty: the source has none
  std::string error;        // it could not be asked; the step runs
};

struct RunObserved {
  api::PipelineRun run;
  std::shared_ptr<const ResolvedRun> resolved;            // null until resolved
  std::vector<api::FieldError> spec_errors;               // why it is absent
  std::string revision;                                   // ControllerRevision name
  std::vector<PodFact> pods;                              // all attempts' pods that exist
  std::map<std::string, bool> pod_gone;                   // pod name -> a live GET said NotFound
  std::map<std::string, CacheAnswer> cache;               // by cache key
  std::map<std::string, ReceiptAnswer> receipts;          // by pod name
  std::map<std::string, FingerprintAnswer> fingerprints;  // by URI
  // Why the API server refused to create a pod (quota, admission), by pod name. The plan goes on
  // asking for the pod until timeouts.pending; the controller spaces the tries.
  std::map<std::string, Error> create_errors;
};

struct CreatePod {
  std::string name;
  Json pod;
};
struct CreateConfigMap {
  std::string name;
  Json config_map;
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

struct RunEvent {
  std::string type;
  std::string reason;
  std::string message;
};  // Normal or Warning

// Facts that the plan needs before it can go on; the controller fetches them off the worker and
// requeues the run.
struct FactRequests {
  std::vector<std::string> cache_keys;
  std::vector<std::string> receipts;      // pod names
  std::vector<std::string> live_pods;     // pod names to GET
  std::vector<std::string> fingerprints;  // URIs
};

struct RunPlan {
  std::vector<RunAction> actions;  // in order; at most 50 creates
  api::PipelineRunStatus status;
  std::vector<RunEvent> events;  // to be sent after the status was written
  FactRequests requests;
  std::optional<Milliseconds> requeue_after;
  bool urgent_status = false;  // first, failure or end: write at once, else coalesce to 1/s
  bool finished = false;
};

}  // namespace penstock::plan
