// Decides what a PipelineRun needs next. Pure: (run, resolved spec, observed facts, now) in,
// (actions, status, events, fact requests, requeue) out. Planning again on an applied result
// yields no action.
//
//            deps met           pod started         exit 0 + receipt
//   Waiting ---------> Pending -------------> Running ---------------> Succeeded
//     |   \ cache hit     |  \ pending time-out   |  \ failed, budget left: Pending again
//     (attempt+1) |    +-> Succeeded  |   +-> Failed          |   +-> Failed
//     +-> Skipped (a dependency's outcome was not the wanted one)        any -> Cancelled
//
// Order of truth for a live run: pod, then receipt, then status (DESIGN section 4, rule 6).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/run/retry_plan.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// Names, labels and annotations on what we make.
inline constexpr const char* kLabelManaged = "penstock.dev/managed";  // "true" on every pod of ours
inline constexpr const char* kLabelRunUid = "penstock.dev/run-uid";
inline constexpr const char* kLabelStep = "penstock.dev/step";
inline constexpr const char* kLabelAttempt = "penstock.dev/attempt";
inline constexpr const char* kAnnotationTask = "penstock.dev/task";  // the task document
inline constexpr const char* kAnnotationSpent =
    "penstock.dev/spent";  // budgets already spent, JSON
inline constexpr const char* kAnnotationCacheKey = "penstock.dev/cache-key";
// See CacheKeyInputs in cache_key.h.
inline constexpr const char* kAnnotationSettledKey = "penstock.dev/settled-key";
// Where the step has URI inputs and may be cached, JSON: {"base": CacheKey::base, "uris": {input:
// URI}}.
inline constexpr const char* kAnnotationCacheSources = "penstock.dev/cache-sources";
// The step's name where it is no label value, and the run's.
inline constexpr const char* kAnnotationRun = "penstock.dev/run";
inline constexpr const char* kStepContainer = "step";
inline constexpr const char* kInstallContainer = "install";  // the init container

// A pod of this run, decoded from its object (pod_fact.h decodes; hostile text is cut and escaped).
enum class PodPhase : std::uint8_t { kPending, kRunning, kSucceeded, kFailed, kUnknown };
struct PodFact {
  std::string name;
  std::string uid;
  std::string step;
  int attempt = 1;
  Spent spent;  // by the attempts before it
  std::string cache_key;
  std::string settled_key;
  std::string cache_base;  // of kAnnotationCacheSources
  std::map<std::string, std::string> source_uris;
  PodPhase phase = PodPhase::kPending;
  bool deleting = false;
  std::optional<TimePoint> gone_by;  // its deletion's grace ends then
  bool node_lost = false;            // its node is NotReady or gone while it is Terminating
  bool disrupted = false;            // DisruptionTarget=True: eviction, preemption, node shutdown
  bool oom_killed = false;           // the container's terminated.reason
  std::string pod_reason;      // status.reason: Evicted, NodeLost, UnexpectedAdmissionError ...
  std::string pod_message;     // status.message
  std::string waiting_reason;  // ErrImagePull, CreateContainerConfigError, Unschedulable ...
  std::string waiting_message;
  std::string terminated_reason;    // Completed, Error, OOMKilled, StartError ...
  std::optional<int> exit_code;     // of the step's container
  std::string termination_message;  // raw, hostile
  std::optional<TimePoint> created;
  std::optional<TimePoint> started;
  std::optional<TimePoint> finished;
};

// The answer to a request for a fact; absent from its map = not asked or not answered yet.
struct CacheAnswer {
  std::optional<Receipt> hit;  // outputs verified to exist
  std::string following_run;   // another run's live pod makes it now (run and step for the message)
};
struct ReceiptAnswer {
  std::optional<Receipt> receipt;  // nullopt: the store says there is none
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
  std::map<std::string, std::string> create_errors;
};

// What a pod is made with, from the operator's configuration.
struct PodSettings {
  TaskStore store;             // written into each task document
  std::string launcher_image;  // for the init container
  std::string launcher_path = "/usr/local/bin/penstock-launcher";  // InImage
  std::string token_audience = "penstock";
  std::string default_service_account;  // "" = the namespace's default
  std::int64_t run_as_user = 65532;     // images that name no numeric user
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

[[nodiscard]] RunPlan PlanRun(const RunObserved& observed, const PodSettings& settings,
                              TimePoint now);

// pod = run (30) - step (20) - attempt - 8 hex of hash(run UID, step, item, attempt).
[[nodiscard]] std::string PodName(const std::string& run, const std::string& run_uid,
                                  const std::string& step, int attempt);

}  // namespace penstock::plan
