// ModelDeployment: a model behind one stable Service. Value types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/meta.h"
#include "operator/base/json.h"

namespace penstock::api {

// How long logged predictions are kept where nothing else is said: 30 days.
inline constexpr Milliseconds kPredictionRetention{720LL * 3'600'000};

struct ModelDeploymentSpec {
  std::string model;  // $(pipelines.p.outputs.o), or sha256:<hex> of an artifact of the namespace
  int replicas = 1;
  Json resources;  // core/v1 ResourceRequirements
  struct Server {
    int max_batch = 32;
    Milliseconds max_delay{0};
    int queue = 512;
  } server;
  enum class Strategy : std::uint8_t { kBlueGreen, kRecreate } strategy = Strategy::kBlueGreen;
  Milliseconds progress_deadline{600'000};
  struct PredictionLog {
    std::string sample;                // "5%" of the requests; empty: all
    std::vector<std::string> columns;  // empty: nothing is logged
    Milliseconds retention = kPredictionRetention;
  } log;
  std::string service_account_name;
  std::vector<Json> image_pull_secrets;
  std::map<std::string, std::string> node_selector;
  std::vector<Json> tolerations;
};

struct ModelVersionStatus {
  std::int64_t version = 0;
  std::string digest;
  bool folder = true;
  std::uint64_t bytes = 0;
  std::string run;  // the PipelineRun that made it, when known
  int replicas = 0;
  int ready_replicas = 0;
  std::optional<TimePoint> since;
};

struct ModelHistoryEntry {
  std::int64_t version = 0;
  std::string digest;
  std::string outcome;  // Promoted, Rejected
  std::string reason;
  std::optional<TimePoint> time;
  std::string template_hash;  // of a rejection: the spec under which it is not tried again
};

struct ModelDeploymentStatus {
  std::int64_t observed_generation = 0;
  std::optional<ModelVersionStatus> stable;
  std::optional<ModelVersionStatus> candidate;
  int replicas = 0;
  std::string selector;
  std::string url;
  std::vector<ModelHistoryEntry> history;  // newest first, at most 20
  std::vector<Condition> conditions;
};

struct ModelDeployment {
  ObjectMeta meta;
  ModelDeploymentSpec spec;
  ModelDeploymentStatus status;
};

}  // namespace penstock::api
