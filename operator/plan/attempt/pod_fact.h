// Reads a pod of ours into the facts that the run's plan needs. What a child process may have
// written (the termination message, messages that quote it) stays raw here and is cut to a bound;
// whoever shows it escapes it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"
#include "operator/plan/attempt/retry_plan.h"
#include "operator/plan/attempt/termination_text.h"
#include "operator/plan/locks/held_locks.h"

namespace penstock::plan {

enum class PodPhase : std::uint8_t { kPending, kRunning, kSucceeded, kFailed, kUnknown };
struct PodFact {
  std::string name;
  std::string uid;
  std::string step;
  std::optional<int> item;  // of a looped step
  bool daemon = false;
  int attempt = 1;
  Spent spent;  // by the attempts before it
  std::string cache_key;
  std::string settled_key;
  std::string cache_base;       // of kAnnotationCacheSources
  bool remakes_damage = false;  // of kAnnotationCacheMiss
  std::map<std::string, std::string> source_uris;
  std::vector<HeldLock> locks;  // that it runs under
  PodPhase phase = PodPhase::kPending;
  bool deleting = false;
  std::optional<TimePoint> gone_by;      // its deletion's grace ends then
  bool ready = false;                    // its condition Ready
  std::optional<TimePoint> ready_since;  // whatever it is; by the kubelet's clock
  std::string address;                   // its IP
  bool node_lost = false;                // its node is NotReady or gone while it is Terminating
  bool disrupted = false;      // DisruptionTarget=True: eviction, preemption, node shutdown
  bool oom_killed = false;     // the container's terminated.reason
  std::string pod_reason;      // status.reason: Evicted, NodeLost, UnexpectedAdmissionError ...
  std::string pod_message;     // status.message
  std::string waiting_reason;  // ErrImagePull, CreateContainerConfigError, Unschedulable ...
  std::string waiting_message;
  std::string terminated_reason;  // Completed, Error, OOMKilled, StartError ...
  // The container of several in turn that these are of; empty: the only one, or the last. It is the
  // first that did not end with 0: those behind it were not run.
  std::string container;
  std::optional<int> exit_code;  // of the step's container
  TerminationText termination_message;
  // The step's containers have ended and another one, injected by somebody, goes on, or one in turn
  // has failed and others go on: the pod may not end by itself.
  bool outlived = false;
  std::optional<TimePoint> created;  // the API server's time; these two are the kubelet's
  std::optional<TimePoint> started;
  std::optional<TimePoint> finished;
  // When the operator saw first that the container, or the pod, had ended: what waits are counted
  // from, because the clock of the node may be another. Empty: nobody has watched it.
  std::optional<TimePoint> end_seen;
};

// Succeeded or failed, by its own phase.
[[nodiscard]] inline bool HasEnded(const PodFact& pod) {
  return pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed;
}

// Of a pod that the caller has found to be controlled by a PipelineRun (a pod is adopted only with
// the right owner UID).
[[nodiscard]] PodFact DecodePod(const Json& pod);

// Budgets as they stand in the annotation kAnnotationSpent, and back.
[[nodiscard]] Spent DecodeSpent(const std::string& text);
[[nodiscard]] std::string EncodeSpent(const Spent& spent);

}  // namespace penstock::plan
