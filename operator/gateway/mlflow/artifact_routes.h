// Files that programs log with a run or a model, as MLflow's server hands them on for its clients,
// at /mlflow/{ns}/api/2.0/mlflow-artifacts/artifacts:
//
//   PUT, GET /{place}       a file; the places are artifact_place.h's
//   GET      ?path={place}  what a folder holds
//
// Bytes go to the namespace's artifact store, as any blob there, by way of a file of its scratch;
// which file of a run or model is which blob stands in it (metadata). Nothing is deleted.
#pragma once

#include "operator/gateway/mlflow/mlflow_routes.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

void AddMlflowArtifacts(Router& router, const MlflowParts& parts);

}  // namespace penstock::gateway
