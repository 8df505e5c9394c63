// Removes prediction logs when the time is over that their ModelDeployment keeps them.
#pragma once

#include "operator/artifacts/prediction_store.h"
#include "operator/kube/client.h"

namespace penstock::controllers {

// Files older than spec.monitoring.log.retention, in every log of the store; the logs of a
// ModelDeployment that is gone, or cannot be read as one, are kept api::kPredictionRetention long.
// How many files were removed. The API server's first error ends it; what is left is for the next
// time.
[[nodiscard]] Result<int> RemoveOldPredictions(kube::Client& client,
                                               const artifacts::PredictionStore& store,
                                               const kube::Call& call = {});

}  // namespace penstock::controllers
