// Builds what the API server gets for one attempt: the pod, and a ConfigMap where the task is too
// large for an annotation. Nothing that a parameter touched stands in the pod's command, args or
// env, because the kubelet expands $(NAME) there. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/retry_plan.h"
#include "operator/plan/locks/held_locks.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// What a pod is made with, from the operator's configuration.
struct PodSettings {
  TaskStore store;             // written into each task document
  std::string launcher_image;  // for the init container
  std::string launcher_path = "/usr/local/bin/penstock-launcher";  // InImage
  std::string token_audience = "penstock";
  std::string default_service_account;  // "" = the namespace's default
  std::int64_t run_as_user = 65532;     // images that name no numeric user
  std::optional<int> max_parallelism;   // of every run, whatever it says; none: no limit
};

struct AttemptSpec {
  const ResolvedStep* step = nullptr;
  int attempt = 1;
  Spent spent;
  std::string cache_key;
  std::map<std::string, Json> parameters;  // resolved
  std::vector<TaskInput> inputs;           // those that are there
  std::string settled_key = {};            // empty: the same as cache_key
  std::string cache_base = {};             // CacheKey::base
  std::optional<ArtifactRef> code = {};    // the step's own
  std::optional<ArtifactRef> packages = {};
  bool remakes_damage = false;        // of the step's output in the store
  bool anew = false;                  // whatever the cache holds
  std::optional<LoopItem> item = {};  // of a looped step
  std::vector<HeldLock> locks = {};   // that the pod runs under
  Json values = Json::object();       // TaskDocument::values
};

struct BuiltAttempt {
  std::string pod_name;
  Json pod;
  std::string config_map_name;  // empty: none
  Json config_map;
};

// Invalid names the parameter when the task is over 900 KiB.
[[nodiscard]] Result<BuiltAttempt> BuildAttempt(const api::PipelineRun& run,
                                                const AttemptSpec& spec,
                                                const PodSettings& settings);

// pod = run (30) - step (20) [- item] - attempt - 8 hex of hash(run UID, step, item, attempt).
[[nodiscard]] std::string PodName(const std::string& run, const std::string& run_uid,
                                  const std::string& step, int attempt,
                                  std::optional<int> item = std::nullopt);

// The ownerReferences of what is made for a run and goes with it.
[[nodiscard]] Json OwnedByRun(const api::PipelineRun& run);

// timeouts.pending, or ten minutes.
[[nodiscard]] Milliseconds PendingLimit(const ResolvedStep& step);

// Pod Security Standards "restricted" for a container.
[[nodiscard]] Json RestrictedContainer(bool read_only_root);
[[nodiscard]] Json RestrictedPod(std::int64_t user);
// The volume with the token by which the launcher speaks to the gateway.
[[nodiscard]] Json TokenVolume(const std::string& audience);
inline constexpr const char* kTokenVolume = "penstock-token";
inline constexpr const char* kTokenFolder = "/penstock/token";
inline constexpr const char* kTokenFile = "/penstock/token/token";

}  // namespace penstock::plan
