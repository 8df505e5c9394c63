// The containers of an attempt's pod beside the launcher's: what they request together, sidecars,
// the volumes that were made for the run, and what `pod` adds. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/retry_plan.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::plan {

// Budgets as the step has them; what it does not say is 0, of infrastructure 5.
[[nodiscard]] RetryPolicy PolicyOf(const api::RetrySpec& retry);

// The step as this attempt runs it, by what the attempts before it have spent: with the memory that
// retries after out of memory have, and, where a failure of some class would be final after others
// of it were not, where retry.lastAttempt says.
[[nodiscard]] ResolvedStep ForAttempt(const ResolvedStep& step, const Spent& spent);

// The resources of each container in turn. Kubernetes reserves for a pod the sum of what its
// containers request; as only one of these works at a time, each requests of CPU, memory and
// ephemeral storage what it needs beyond those before it, so that the sum is what the largest
// needs. Limits are each one's own. Of all other resources (devices) each requests its own.
[[nodiscard]] std::vector<Json> InTurnResources(const ResolvedStep& step);

// A native sidecar: an init container that is restarted always.
[[nodiscard]] Json Sidecar(const api::SidecarSpec& sidecar);

// What says that a daemon is ready.
[[nodiscard]] Json ReadinessProbe(const api::DaemonSpec& daemon);

// Lays `pod` over the pod's metadata and spec. What is the operator's own there stays.
void ApplyPod(const Json& pod, Json& metadata, Json& spec);

// The name of the PersistentVolumeClaim that is made for a run's volume, and the claim itself:
// owned by the run, so that it goes with it.
[[nodiscard]] std::string ClaimName(const std::string& run, const std::string& run_uid,
                                    const std::string& volume);
[[nodiscard]] Json BuildClaim(const api::PipelineRun& run, const api::RunVolume& volume);

}  // namespace penstock::plan
