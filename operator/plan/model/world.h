// The words in which a ModelDeployment's decisions are made: what was observed, the operator's
// settings, what is to be done, what its status says. Value types; the decider is
// model_deployment_plan.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/model_deployment.h"
#include "operator/base/error.h"
#include "operator/plan/run/world.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

inline constexpr const char* kLabelModelDeployment = "penstock.dev/model-deployment";
inline constexpr const char* kLabelModelVersion = "penstock.dev/model-version";
inline constexpr const char* kAnnotationModelDigest = "penstock.dev/model-digest";
inline constexpr const char* kAnnotationTemplateHash = "penstock.dev/template-hash";
// On a ModelDeployment: any other text than before makes the pods anew, as this release makes them.
inline constexpr const char* kAnnotationRenew = "penstock.dev/renew";
inline constexpr const char* kStoreKey = "store.json";  // of the ConfigMap, and the file's name
inline constexpr const char* kServeContainer = "serve";
inline constexpr const char* kFetchContainer = "fetch";

// A Deployment that this ModelDeployment controls.
struct DeploymentFact {
  std::string name;
  std::string uid;
  std::int64_t version = 0;
  ArtifactRef model;
  std::string template_hash;  // TemplateHash of the spec that its pods were last made of
  bool deleting = false;
  std::int64_t generation = 0;
  std::int64_t observed_generation = 0;
  int spec_replicas = 1;
  std::int64_t progress_deadline_seconds = 0;
  int updated_replicas = 0;
  int ready_replicas = 0;
  int available_replicas = 0;
  std::optional<TimePoint> created;
  std::string replica_failure;     // why pods cannot be made, in the API server's words
  bool deadline_exceeded = false;  // says the Deployment controller, by its own clock alone

  // All replicas are of the newest template and have been ready for a while.
  [[nodiscard]] bool IsAvailable(int replicas) const {
    return observed_generation >= generation && spec_replicas == replicas &&
           updated_replicas >= replicas && available_replicas >= replicas;
  }
};

// A pod of one of those Deployments.
struct ServingPodFact {
  std::string name;
  std::int64_t version = 0;
  std::string template_hash;  // of the template that made it
  bool ready = false;
  bool ending = false;         // being deleted, evicted: another takes its place
  bool running = false;        // its server, now
  int restarts = 0;            // of the serving and the fetching container together
  std::string waiting_reason;  // CrashLoopBackOff, ErrImagePull, Unschedulable ...
  std::string waiting_message;
  std::string last_container;  // serve or fetch: which of them ended badly; empty: none
  std::string last_reason;     // OOMKilled, Error ...
  std::string last_message;    // its termination message; hostile, cut
  int last_exit_code = 0;
};

struct ServiceFact {
  std::int64_t version = 0;  // its selector's; 0: none
  bool labelled = true;      // with the label by which its deletion is noticed
};

struct ModelObserved {
  api::ModelDeployment md;
  std::vector<api::FieldError> spec_errors;
  std::optional<ArtifactRef> target;  // the digest to follow, resolved now
  std::string target_run;             // the run that made it, when known
  std::string target_problem;         // why there is no target: "Pipeline flights has not ..."
  bool seen = true;                   // false: what follows could not be read; `refusals` says why
  std::vector<DeploymentFact> deployments;
  std::vector<ServingPodFact> pods;
  std::optional<ServiceFact> service;
  bool foreign_service = false;      // a Service of that name exists and is not ours
  Milliseconds service_for{0};       // how long the Service was seen to point where it does
  std::optional<std::string> store;  // where the store is, as the servers read it; none: no object
  std::vector<Refusal> refusals;     // of this plan's actions, when it is told what became of them
  std::optional<Milliseconds> look_again;  // the target may be there by then
  // Ready endpoints of the Service, by version of the pod behind them.
  std::map<std::int64_t, int> endpoints;

  // Null: none, or it is being deleted.
  [[nodiscard]] const DeploymentFact* OfVersion(std::int64_t version) const {
    for (const auto& d : deployments)
      if (d.version == version && !d.deleting) return &d;
    return nullptr;
  }
};

struct ModelSettings {
  std::string serve_image;
  std::string launcher_image;  // for the init container that fetches the model
  std::string launcher_path = "/usr/local/bin/penstock-launcher";
  TaskStore store;
  std::string token_audience = "penstock";
  std::int64_t run_as_user = 65532;
};

struct ApplyDeployment {
  std::string name;
  Json deployment;
};
struct ApplyService {
  std::string name;
  Json service;
};
// Replicas and deadline, which leave the pods alone: their template stays that of its release.
struct PatchDeployment {
  std::string name;
  Json patch;
};
struct ApplyConfigMap {
  std::string name;
  Json config_map;
};
struct DeleteDeployment {
  std::string name;
  std::string uid;
};
using ModelAction =
    std::variant<ApplyConfigMap, ApplyDeployment, PatchDeployment, ApplyService, DeleteDeployment>;

struct ModelPlan {
  std::vector<ModelAction> actions;
  api::ModelDeploymentStatus status;
  std::vector<RunEvent> events;
  std::optional<Milliseconds> requeue_after;
};

}  // namespace penstock::plan
