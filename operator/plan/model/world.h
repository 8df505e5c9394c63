// The words in which a ModelDeployment's decisions are made: what was observed, the operator's
// settings, what is to be done, what its status says. Value types; the decider is
// model_deployment_plan.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/model_deployment.h"
#include "operator/base/error.h"
#include "operator/plan/rollout/evidence.h"
#include "operator/plan/rollout/observation.h"
#include "operator/plan/rollout/report.h"
#include "operator/plan/router/names.h"
#include "operator/plan/scaling/load.h"
#include "operator/plan/step/world.h"
#include "operator/plan/values/approval_words.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

inline constexpr const char* kLabelModelDeployment = "penstock.dev/model-deployment";
inline constexpr const char* kLabelModelVersion = "penstock.dev/model-version";
inline constexpr const char* kAnnotationModelDigest = "penstock.dev/model-digest";
inline constexpr const char* kAnnotationTemplateHash = "penstock.dev/template-hash";
// On a ModelDeployment: any other text than before makes the pods anew, as this release makes them.
inline constexpr const char* kAnnotationRenew = "penstock.dev/renew";
inline constexpr const char* kStoreKey = "store.json";  // of the ConfigMap, and the file's name
// The port of a pod that gets the traffic, by name: numbers differ between versions.
inline constexpr const char* kTrafficPort = "http";
// The same for gRPC, and what the Service's port of gRPC is called.
inline constexpr const char* kGrpcPort = "grpc";
inline constexpr int kGrpcServicePort = 8081;
inline constexpr const char* kServeContainer = "serve";
inline constexpr const char* kFetchContainer = "fetch";

inline constexpr const char* kTransformerContainer = "transformer";

// What is served: an artifact of the store, or what a URI with that digest names, of which neither
// form nor size are known.
struct ModelRef : ArtifactRef {
  ModelRef() = default;
  ModelRef(ArtifactRef artifact) : ArtifactRef(std::move(artifact)) {}  // NOLINT
  ModelRef(std::string the_digest, bool is_folder, std::uint64_t size, std::string uri = "")
      : ArtifactRef{std::move(the_digest), is_folder, size}, source(std::move(uri)) {}

  std::string source;  // the URI with its digest; empty: the store
};
[[nodiscard]] Json ToJson(const ModelRef& model);
// Nothing where it is none.
[[nodiscard]] std::optional<ModelRef> ParseModelRef(const std::string& json);
// What a version of the status serves, and the other way round.
[[nodiscard]] ModelRef ModelOf(const api::ModelVersionStatus& version);
void SetModel(const ModelRef& model, api::ModelVersionStatus& version);

// A Deployment that this ModelDeployment controls.
struct DeploymentFact {
  std::string name;
  std::string uid;
  std::int64_t version = 0;
  ModelRef model;
  std::string template_hash;  // TemplateHash of the spec that its pods were last made of
  bool deleting = false;
  std::int64_t generation = 0;
  std::int64_t observed_generation = 0;
  int spec_replicas = 1;
  std::int64_t progress_deadline_seconds = 0;
  int total_replicas = 0;  // of any template
  int updated_replicas = 0;
  int ready_replicas = 0;
  int available_replicas = 0;
  std::optional<TimePoint> created;
  std::string replica_failure;     // why pods cannot be made, in the API server's words
  bool deadline_exceeded = false;  // says the Deployment controller, by its own clock alone

  // All replicas are of the newest template and have been ready for a while.
  [[nodiscard]] bool IsAvailable(int replicas) const {
    return observed_generation >= generation && spec_replicas == replicas &&
           updated_replicas >= replicas && total_replicas <= updated_replicas &&
           available_replicas >= replicas;
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
  std::string address;   // of the pod; empty while it has none, and where it is its node's
  int traffic_port = 0;  // number of the port kTrafficPort; 0: it has none
};

using rollout::RouterFact;

struct ServiceFact {
  // Its selector's, or of its annotation where it goes to routers; 0: none.
  std::int64_t version = 0;
  bool to_routers = false;
  int target_port = 0;
  bool labelled = true;  // with the label by which its deletion is noticed
  bool secure = false;   // its port is that of TLS
  bool by_name = true;   // leads to the port that pods call kTrafficPort
  // Where its port of gRPC leads to: a port's name or number; empty: it has none.
  std::string grpc_target = {};
};

// Objects beside the servers that have the ModelDeployment's name.
enum class Companion : std::uint8_t { kRoute, kDisruptionBudget };
inline constexpr std::array kCompanions{Companion::kRoute, Companion::kDisruptionBudget};
struct CompanionFact {
  std::string uid;
  bool ours = false;
  bool deleting = false;
  std::string made_of;          // hash of what was applied last
  std::int64_t generation = 0;  // of its spec, as the API server counts changes; 0: it does not
  bool edited = false;          // its spec may be another than what was applied last
};

// What expose.gateway's controllers say of the HTTPRoute as it stands now.
struct RouteFact {
  bool told = false;         // any of them
  std::string refused;       // reason and message of Accepted where it is False
  std::string not_resolved;  // the same of ResolvedRefs
};

struct ModelObserved {
  api::ModelDeployment md;
  std::vector<api::FieldError> spec_errors;
  std::optional<ModelRef> target;  // the digest to follow, resolved now
  std::string target_run;          // the run that made it, when known
  std::string target_problem;      // why there is no target: "Pipeline flights has not ..."
  bool seen = true;                // false: what follows could not be read; `refusals` says why
  std::vector<DeploymentFact> deployments;
  std::vector<ServingPodFact> pods;
  std::optional<ServiceFact> service;
  bool foreign_service = false;      // a Service of that name exists and is not ours
  Milliseconds service_for{0};       // how long the Service was seen to point where it does
  std::optional<std::string> store;  // where the store is, as the servers read it; none: no object
  std::vector<Refusal> refusals;     // of this plan's actions, when it is told what became of them
  std::optional<Milliseconds> look_again;  // the target may be there by then
  std::vector<RouterFact> routers;         // of the namespace, as far as they answered
  int ready_routers = 0;                   // router pods that are Ready, whatever they answer
  int routers_not_asked = 0;               // Ready as well, beyond the bound of a round
  Milliseconds no_router_for{0};           // how long none was, by a steady clock
  std::optional<int> router_port;          // its own, or one that no other of the namespace has
  std::optional<int> router_grpc_port;     // the same for gRPC
  // UIDs of the Services of versions (VersionName) that stand.
  std::map<std::int64_t, std::string> version_services;
  std::set<std::int64_t> plain_version_services;  // of these, those without a port of gRPC
  // Of prometheus and http gates, since the last plan; any order.
  std::vector<rollout::Measurement> measurements;
  rollout::Evidence evidence;  // ModelPlan::evidence of the last plan; empty for a new operator
  scaling::Load load;          // ModelPlan::load of the last plan; empty for a new operator
  Milliseconds clock{0};       // steady; only differences mean anything
  ApprovalFacts approvals;     // that name this ModelDeployment's UID
  // The run that made the target, while it stands: whose status has the target among its outputs.
  std::optional<api::ObjectMeta> target_maker;
  // Ready endpoints, by version of the pod behind them: of the Service, or where it goes to routers
  // of the Services of the versions.
  std::map<std::int64_t, int> endpoints;

  std::vector<rollout::MadeReport> reports;       // that the history does not name yet
  std::map<Companion, CompanionFact> companions;  // those that stand
  // A PodDisruptionBudget of somebody else that is for the servers, or has our name. The eviction
  // API takes no pod that has two.
  std::string other_budget;
  RouteFact route;
  bool has_routes = true;  // the cluster serves HTTPRoutes; true where nobody asked
  // Of these kinds nothing is known now, and why: in the API server's words. The rest goes on.
  std::map<Companion, std::string> unread;

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
struct DeleteService {
  std::string name;
  std::string uid;
};
struct ApplyCompanion {
  Companion kind{};
  std::string name;
  Json object;
};
struct DeleteCompanion {
  Companion kind{};
  std::string name;
  std::string uid;
};
using ModelAction = std::variant<ApplyConfigMap, ApplyDeployment, PatchDeployment, ApplyService,
                                 DeleteDeployment, DeleteService, ApplyCompanion, DeleteCompanion>;

// A gate that is due to be measured, or a check before traffic.
struct GateQuestion {
  api::GateSpec gate;  // with prometheus or http, references put in
  std::optional<rollout::ServersToAsk> servers = std::nullopt;  // of a check: it asks the versions
  std::int64_t version = 0;  // of a gate: the candidate that it is to judge
  std::string mark = {};     // rollout::Asked::mark, which its answer brings back
};

struct ModelPlan {
  std::vector<ModelAction> actions;
  std::vector<GateQuestion> questions;
  rollout::Evidence evidence;
  scaling::Load load;
  std::optional<rollout::Report> report;
  bool listens = false;  // a request that a router holds is a reason to look: there are no servers
  api::ModelDeploymentStatus status;
  std::vector<RunEvent> events;
  std::optional<Milliseconds> requeue_after;
};

}  // namespace penstock::plan
