// MLflow's tracking API of a namespace, at /mlflow/{ns}/api/2.0/mlflow/...: MLFLOW_TRACKING_URI is
// the gateway's address and /mlflow/{ns}, MLFLOW_TRACKING_TOKEN the caller's bearer token. Who may
// list PipelineRuns of the namespace reads, who may create them writes.
//
// Taken: experiments (create, get, get-by-name, search, set-experiment-tag), runs (create, get,
// update, delete, restore, search, log-metric, log-parameter, log-batch, set-tag, delete-tag,
// outputs), metrics/get-history, logged models, and the registry (registered-models,
// model-versions) without stages. Files of runs and models are artifact_routes.h's. Errors are
// MLflow's: {"error_code", "message"}.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/gateway/api/access.h"
#include "operator/gateway/body_budget.h"
#include "operator/gateway/router.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

// What the routes stand on; all of it must outlive the router.
struct MlflowParts {
  metadata::Tracking* tracking = nullptr;
  Access* access = nullptr;
  BodyBudget* bodies = nullptr;
  const Clock* clock = nullptr;
  // The namespaces that are looked after; empty: all.
  std::vector<std::string> namespaces = {};
  // Where files of runs go (artifact_routes.h); none: they are not taken.
  const artifacts::Store* store = nullptr;
  std::uint64_t max_file_bytes = 0;  // 0: the store is the limit
};

void AddMlflow(Router& router, const MlflowParts& parts);

// What is taken below api/2.0/mlflow/, and the verb on PipelineRuns that each needs.
struct MlflowRoute {
  const char* method;
  const char* path;
  const char* verb;
};
[[nodiscard]] std::vector<MlflowRoute> TakenByMlflow();

}  // namespace penstock::gateway
