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
// {"key", "value"} of the request itself.
[[nodiscard]] Result<TextMap> OnePair(const Asked& asked, std::size_t longest);

[[nodiscard]] Result<Json> LogOutputs(const MlflowCall& call);

// logged_model_calls.cc
[[nodiscard]] Result<Json> CreateLoggedModel(const MlflowCall& call);
[[nodiscard]] Result<Json> GetLoggedModel(const MlflowCall& call);
[[nodiscard]] Result<Json> FinalizeLoggedModel(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteLoggedModel(const MlflowCall& call);
[[nodiscard]] Result<Json> SetLoggedModelTags(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteLoggedModelTag(const MlflowCall& call);
[[nodiscard]] Result<Json> LogModelParameters(const MlflowCall& call);
[[nodiscard]] Result<Json> SearchLoggedModels(const MlflowCall& call);
// Of metrics that are logged with a run, those that name a logged model, by its id; an error where
// it is not there.
using ModelPoints = std::map<std::string, std::vector<metadata::MetricPoint>>;
[[nodiscard]] Result<ModelPoints> ModelPointsOf(const MlflowCall& call,
                                                const std::vector<Json>& metrics);
[[nodiscard]] Result<void> LogModelPoints(const MlflowCall& call, const ModelPoints& points);

// registry_calls.cc
[[nodiscard]] Result<Json> CreateRegisteredModel(const MlflowCall& call);
[[nodiscard]] Result<Json> GetRegisteredModel(const MlflowCall& call);
[[nodiscard]] Result<Json> UpdateRegisteredModel(const MlflowCall& call);
[[nodiscard]] Result<Json> RenameRegisteredModel(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteRegisteredModel(const MlflowCall& call);
[[nodiscard]] Result<Json> SearchRegisteredModels(const MlflowCall& call);
[[nodiscard]] Result<Json> SetRegisteredModelTag(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteRegisteredModelTag(const MlflowCall& call);
[[nodiscard]] Result<Json> SetAlias(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteAlias(const MlflowCall& call);
[[nodiscard]] Result<Json> GetVersionByAlias(const MlflowCall& call);
[[nodiscard]] Result<Json> LatestVersions(const MlflowCall& call);
// "name" of a request, as MLflow has names of registered models; "" is Invalid.
[[nodiscard]] Result<std::string> ModelNameOf(const Asked& asked, const std::string& member);
// "version" of a request.
[[nodiscard]] Result<std::int64_t> VersionNumberOf(const Asked& asked);
[[nodiscard]] Result<std::string> DescriptionOf(const Asked& asked);

// version_calls.cc
[[nodiscard]] Result<Json> CreateModelVersion(const MlflowCall& call);
[[nodiscard]] Result<Json> GetModelVersion(const MlflowCall& call);
[[nodiscard]] Result<Json> UpdateModelVersion(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteModelVersion(const MlflowCall& call);
[[nodiscard]] Result<Json> SearchModelVersions(const MlflowCall& call);
[[nodiscard]] Result<Json> SetModelVersionTag(const MlflowCall& call);
[[nodiscard]] Result<Json> DeleteModelVersionTag(const MlflowCall& call);
[[nodiscard]] Result<Json> DownloadUri(const MlflowCall& call);
// Refused: stages are none of ours.
[[nodiscard]] Result<Json> TransitionStage(const MlflowCall& call);

// search_calls.cc
[[nodiscard]] Result<Json> SearchRuns(const MlflowCall& call);
[[nodiscard]] Result<Json> MetricHistory(const MlflowCall& call);
[[nodiscard]] Result<std::string> RunIdOf(const Asked& asked);
// One or two of a namespace at a time: what it answers with may be much.
[[nodiscard]] Result<void> HoldForMuch(const MlflowCall& call);

inline constexpr std::size_t kMostPairs = 100;  // parameters or tags of one request
inline constexpr std::size_t kLongestTag = 8'000, kLongestName = 500, kLongestParameter = 6'000;
inline constexpr std::size_t kMostNames = 2'000;  // of each kind, of one run or model
inline constexpr const char* kDefaultExperiment = "0";
inline constexpr const char* kPromptTag = "mlflow.prompt.is_prompt";
inline constexpr const char* kNoStages =
    "stages are deprecated in MLflow and not kept here; let an alias point to the version "
    "(set_registered_model_alias) and load models:/{name}@{alias}";

}  // namespace penstock::gateway
