// ModelDeployment: a model behind one stable Service. Value types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/meta.h"
#include "operator/api/model_server.h"
#include "operator/api/rollout.h"
#include "operator/base/json.h"

namespace penstock::api {

// How long logged predictions are kept where nothing else is said: 30 days.
inline constexpr Milliseconds kPredictionRetention{720LL * 3'600'000};

// Of ModelDeploymentSpec::model: the image of server.container is the version.
inline constexpr const char* kModelOfImage = "$(server.image)";
inline constexpr int kMostRemembered = 20;  // entries of status.history

// How many servers there are, by what they have to do.
struct AutoscalingSpec {
  int min_replicas = 1;  // 0: none while nobody asks
  int max_replicas = 0;
  std::string target_utilization;  // "70%" of what the servers can do at a time; empty: that
  std::optional<int> concurrency;  // requests that one server is full with; none: its CPUs
  Milliseconds idle_after{600'000};
};

// How it meets its clients: under TLS, with tokens.
struct ExposeTls {
  std::string secret_name;  // of type kubernetes.io/tls
};

// Where the public keys of a tokens' issuer stand, one of the three.
struct KeySetSource {
  std::string inline_keys;  // a JSON Web Key Set
  std::string config_map;
  std::string config_map_key;
  std::string uri;                // https: routers fetch it, again and again
  std::string ca_config_map;      // of the authority that the server of `uri` is trusted by; empty:
  std::string ca_config_map_key;  // those that the routers' image knows
};

struct ExposeJwt {
  std::string issuer;
  std::vector<std::string> audiences;
  KeySetSource jwks;
};

// A Gateway of the Gateway API, and the listener of it where one is meant.
struct GatewayRef {
  std::string name;
  std::string namespace_;  // empty: the ModelDeployment's
  std::string section_name;
};

struct ExposeSpec {
  std::optional<ExposeTls> tls;
  std::optional<ExposeJwt> jwt;
  std::optional<GatewayRef> gateway;  // an HTTPRoute leads from there to the Service
  std::string hostname;               // of the route; empty: those of the listeners
  std::string path;                   // prefix of its paths, which is taken off; empty: all
};

// What a drain of nodes may do to the servers.
struct DisruptionSpec {
  std::string max_unavailable;  // "25%" of them at a time; empty: one
};

struct ModelDeploymentSpec {
  // $(pipelines.p.outputs.o), $(models.m.alias), sha256:<hex> of an artifact of the namespace, a
  // URI with its digest (protocol/model_source.h), or kModelOfImage.
  std::string model;
  int replicas = 1;
  int revision_history_limit = kMostRemembered;  // entries of status.history
  std::optional<AutoscalingSpec> autoscaling;    // then replicas says nothing
  Json resources;                                // core/v1 ResourceRequirements
  struct Server {
    int max_batch = 32;
    Milliseconds max_delay{0};
    int queue = 512;
    std::vector<Json> env;  // core/v1 EnvVar
    std::vector<Json> volume_mounts;
    // In the place of Penstock's own; then nothing of the above.
    std::optional<OwnServer> container;
    ModelProtocol protocol = ModelProtocol::kV2;
    int grpc_port = 0;      // where it answers gRPC; 0: nowhere
    std::string readiness;  // path of a GET; empty: V2's
  } server;
  std::optional<Transformer> transformer;
  FetchSettings fetch;
  std::optional<ModelVerification> verify;
  std::string cache_claim;  // a claim that keeps fetched models by digest; empty: each pod fetches
  RolloutSpec rollout;
  ExposeSpec expose;
  DisruptionSpec disruption;
  struct PredictionLog {
    std::string sample;                // "5%" of the requests; empty: all
    std::vector<std::string> columns;  // empty: nothing is logged
    Milliseconds retention = kPredictionRetention;
  } log;
  std::string service_account_name;
  std::vector<Json> image_pull_secrets;
  std::map<std::string, std::string> node_selector;
  std::vector<Json> tolerations;
  Json affinity;
  std::vector<Json> topology_spread;  // core/v1 TopologySpreadConstraint
  std::vector<Json> volumes;
  std::vector<Json> resource_claims;  // core/v1 PodResourceClaim
  std::string priority_class_name;
  std::string runtime_class_name;
  std::string scheduler_name;
  std::map<std::string, std::string> pod_labels;
  std::map<std::string, std::string> pod_annotations;
};

struct ModelVersionStatus {
  std::int64_t version = 0;
  std::string digest;
  bool folder = true;
  std::uint64_t bytes = 0;
  std::string run;     // the PipelineRun that made it, when known
  std::string source;  // the URI that it is fetched from, with its digest; empty: the store
  int replicas = 0;
  int ready_replicas = 0;
  std::optional<TimePoint> since;
  std::string weight;  // of the traffic, where routers split it
  // Of a candidate:
  std::string phase;  // kPhaseStarting ...
  int step = 0;       // of steps, from 1; 0: before them (servers, shadow), or there are none
  std::optional<TimePoint> step_since;
  std::string message;            // what it waits for
  std::vector<GateStatus> gates;  // of this step
};

struct ModelHistoryEntry {
  std::int64_t version = 0;
  std::string digest;
  std::string outcome;  // Promoted, Rejected (before traffic), RolledBack (under it)
  std::string reason;
  std::optional<TimePoint> time;
  std::string template_hash;  // unless Promoted: the spec under which it is not tried again
  std::int64_t to = 0;        // of an undo: the version that comes back
  bool folder = true;         // of the artifact, so that an undo finds it
  std::uint64_t bytes = 0;
  std::string source = {};             // the URI of a model that is from elsewhere
  std::vector<GateStatus> gates = {};  // the evidence
  std::string report = {};             // artifact with all of it; empty: none, or not stored yet
};

struct ModelDeploymentStatus {
  std::int64_t observed_generation = 0;
  std::optional<ModelVersionStatus> stable;
  std::optional<ModelVersionStatus> candidate;
  int replicas = 0;
  std::string selector;
  std::string url;
  RouterStatus router;
  std::vector<TrafficStatus> traffic;      // empty: the Service goes to the stable version's pods
  std::vector<ModelHistoryEntry> history;  // newest first, at most 20
  std::int64_t last_version = 0;           // that went without another trace here; 0: none
  std::vector<Condition> conditions;
};

struct ModelDeployment {
  ObjectMeta meta;
  ModelDeploymentSpec spec;
  ModelDeploymentStatus status;
};

}  // namespace penstock::api
