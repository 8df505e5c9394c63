// What MLflow's requests do, once who asks may. Each checks what it is given and throws nothing.
#pragma once

#include <stop_token>
#include <string>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/gateway/api/access.h"
#include "operator/gateway/mlflow/mlflow_json.h"
#include "operator/gateway/mlflow/mlflow_routes.h"

namespace penstock::gateway {

struct MlflowCall {
  const MlflowParts& parts;
  const std::string ns;
  const Caller& caller;
  const Asked asked;
  BodyBudget::Held& held;  // of the gateway's memory, until it is answered
  const std::stop_token stop;
};

// experiment_calls.cc
[[nodiscard]] Result<Json> CreateExperiment(const MlflowCall& call);
[[nodiscard]] Result<Json> GetExperiment(const MlflowCall& call);
[[nodiscard]] Result<Json> GetExperimentByName(const MlflowCall& call);
[[nodiscard]] Result<Json> SearchExperiments(const MlflowCall& call);
[[nodiscard]] Result<Json> TagExperiment(const MlflowCall& call);
// The experiment; that of the id 0 is told of as it would be where nobody has logged to it yet.
[[nodiscard]] Result<metadata::Experiment> FindExperiment(const MlflowCall& call,
                                                          const std::string& id);
// The same for who logs: whoever does so without one does it in that of the id 0, which is made
// for him.
[[nodiscard]] Result<metadata::Experiment> FindOrMakeExperiment(const MlflowCall& call,
                                                                const std::string& id);
// Invalid of a view of what is deleted that is none of MLflow's; empty: what is not.
[[nodiscard]] Result<void> CheckView(const std::string& name, const std::string& view);
// So many of these letters, by chance.
[[nodiscard]] std::string RandomLetters(const std::string& letters, std::size_t length);

// run_calls.cc
// Invalid where it is deleted.
[[nodiscard]] Result<void> CheckStands(const metadata::TrackedRun& run);
[[nodiscard]] Result<Json> CreateRun(const MlflowCall& call);
[[nodiscard]] Result<Json> GetRun(const MlflowCall& call);
[[nodiscard]] Result<Json> UpdateRun(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteRun(const MlflowCall& call);
[[nodiscard]] Result<Json> RestoreRun(const MlflowCall& call);
[[nodiscard]] Result<Json> LogMetric(const MlflowCall& call);
[[nodiscard]] Result<Json> LogParameter(const MlflowCall& call);
[[nodiscard]] Result<Json> LogBatch(const MlflowCall& call);
[[nodiscard]] Result<Json> SetTag(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteTag(const MlflowCall& call);

// search_calls.cc
[[nodiscard]] Result<Json> SearchRuns(const MlflowCall& call);
// None: there is no call that makes one, and a client that lists a run's files asks for them.
[[nodiscard]] Result<Json> SearchLoggedModels(const MlflowCall& call);
[[nodiscard]] Result<Json> MetricHistory(const MlflowCall& call);
[[nodiscard]] Result<std::string> RunIdOf(const Asked& asked);
// One or two of a namespace at a time: what it answers with may be much.
[[nodiscard]] Result<void> HoldForMuch(const MlflowCall& call);

inline constexpr std::size_t kMostPairs = 100;  // parameters or tags of one request
inline constexpr std::size_t kLongestTag = 8'000, kLongestName = 500;
inline constexpr const char* kDefaultExperiment = "0";

}  // namespace penstock::gateway
