// Removes prediction logs when the time is over that their ModelDeployment keeps them.
#pragma once

#include <stop_token>

#include "operator/artifacts/prediction_store.h"
#include "operator/kube/client.h"
#include "operator/runtime/log.h"

namespace penstock::main {

// Files older than spec.monitoring.log.retention, in every log of the store; the logs of a
// ModelDeployment that is gone are kept api::kPredictionRetention long, and those of one that
// cannot be read are left alone. How many files were removed, or the first error after all logs
// were looked at: what is left is for the next time.
[[nodiscard]] Result<int> RemoveOldPredictions(kube::Client& client,
                                               const artifacts::PredictionStore& store,
                                               const kube::Call& call = {});

// RemoveOldPredictions every hour until stopped; the log hears what was removed and what was not.
void KeepRetention(kube::Client& client, const artifacts::PredictionStore& store,
                   const runtime::Log& log, const std::stop_token& stop);

}  // namespace penstock::main
