#include "operator/gateway/mlflow/mlflow_routes.h"

#include <optional>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_request.h"
#include "operator/gateway/mlflow/artifact_routes.h"
#include "operator/gateway/mlflow/mlflow_answer.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMostBody = 1 << 20;

struct Route {
  const char* method;
  const char* path;
  const char* verb;  // on pipelineruns
  Result<Json> (*handle)(const MlflowCall&);
};

constexpr Route kRoutes[]{
    {"POST", "experiments/create", "create", CreateExperiment},
    {"GET", "experiments/get", "list", GetExperiment},
    {"GET", "experiments/get-by-name", "list", GetExperimentByName},
    {"POST", "experiments/search", "list", SearchExperiments},
    {"GET", "experiments/search", "list", SearchExperiments},
    {"POST", "experiments/set-experiment-tag", "create", TagExperiment},
    {"POST", "runs/create", "create", CreateRun},
    {"GET", "runs/get", "list", GetRun},
    {"POST", "runs/update", "create", UpdateRun},
    {"POST", "runs/delete", "create", DeleteRun},
    {"POST", "runs/restore", "create", RestoreRun},
    {"POST", "runs/search", "list", SearchRuns},
    {"POST", "runs/log-metric", "create", LogMetric},
    {"POST", "runs/log-parameter", "create", LogParameter},
    {"POST", "runs/log-batch", "create", LogBatch},
    {"POST", "runs/set-tag", "create", SetTag},
    {"POST", "runs/delete-tag", "create", DeleteTag},
    {"POST", "runs/outputs", "create", LogOutputs},
    {"GET", "metrics/get-history", "list", MetricHistory},
    {"POST", "logged-models", "create", CreateLoggedModel},
    {"POST", "logged-models/search", "list", SearchLoggedModels},
    {"GET", "logged-models/{model_id}", "list", GetLoggedModel},
    {"PATCH", "logged-models/{model_id}", "create", FinalizeLoggedModel},
    {"DELETE", "logged-models/{model_id}", "create", DeleteLoggedModel},
    {"PATCH", "logged-models/{model_id}/tags", "create", SetLoggedModelTags},
    {"DELETE", "logged-models/{model_id}/tags/{tag_key...}", "create", DeleteLoggedModelTag},
    {"POST", "logged-models/{model_id}/params", "create", LogModelParameters},
    {"POST", "registered-models/create", "create", CreateRegisteredModel},
    {"GET", "registered-models/get", "list", GetRegisteredModel},
    {"PATCH", "registered-models/update", "create", UpdateRegisteredModel},
    {"POST", "registered-models/rename", "create", RenameRegisteredModel},
    {"DELETE", "registered-models/delete", "create", DeleteRegisteredModel},
    {"GET", "registered-models/search", "list", SearchRegisteredModels},
    {"POST", "registered-models/set-tag", "create", SetRegisteredModelTag},
    {"DELETE", "registered-models/delete-tag", "create", DeleteRegisteredModelTag},
    {"POST", "registered-models/alias", "create", SetAlias},
    {"DELETE", "registered-models/alias", "create", DeleteAlias},
    {"GET", "registered-models/alias", "list", GetVersionByAlias},
    {"GET", "registered-models/get-latest-versions", "list", LatestVersions},
    {"POST", "registered-models/get-latest-versions", "list", LatestVersions},
    {"POST", "model-versions/create", "create", CreateModelVersion},
    {"GET", "model-versions/get", "list", GetModelVersion},
    {"PATCH", "model-versions/update", "create", UpdateModelVersion},
    {"DELETE", "model-versions/delete", "create", DeleteModelVersion},
    {"GET", "model-versions/search", "list", SearchModelVersions},
    {"POST", "model-versions/set-tag", "create", SetModelVersionTag},
    {"DELETE", "model-versions/delete-tag", "create", DeleteModelVersionTag},
    {"GET", "model-versions/get-download-uri", "list", DownloadUri},
    {"POST", "model-versions/transition-stage", "create", TransitionStage},
};

// A value that stands there twice is a list.
Result<Json> QueryOf(const std::string& query) {
  PENSTOCK_ASSIGN(const QueryPairs pairs, ParseQuery(query));
  Json body = Json::object();
  for (const auto& [name, value] : pairs) {
    if (!IsUtf8(name) || !IsUtf8(value)) return Invalid("the query is no UTF-8");
    const auto [entry, is_new] = body.emplace(name, value);
    if (is_new) continue;
    if (!entry->is_array()) *entry = Json::array({*entry});
    entry->push_back(value);
  }
  return body;
}

Result<Json> BodyOf(Exchange& x, BodyBudget::Held& held) {
  if (x.method() == "GET" || x.method() == "HEAD") return QueryOf(x.query());
  PENSTOCK_ASSIGN(const std::string text,
                  ReadWholeBody(x, kMostBody, [&](std::size_t n) { return held.Hold(n); }));
  if (text.empty() && x.method() == "DELETE") return Json::object();  // what the path says is all
  PENSTOCK_ASSIGN(Json body, ParseJson(text, "the body"));
  if (!body.is_object()) return Invalid("the body is no JSON object");
  return body;
}

// What a part of the path says is so, whatever the body says of it.
Result<void> TakePath(const PathParameters& path, Json& body) {
  for (const auto& [name, part] : path) {
    if (name == "ns") continue;
    PENSTOCK_ASSIGN(const std::string text, net::UrlDecode(part));
    if (!IsUtf8(text)) return Invalid("the path is no UTF-8");
    body[name] = text;
  }
  return {};
}

void Serve(const MlflowParts& parts, const Route& route, Exchange& x, const PathParameters& path) {
  const auto ns = net::UrlDecode(path.at("ns"));
  if (!ns) return RespondMlflow(x, ns.error());
  const auto caller = AllowedCaller(parts, x, *ns, route.verb);
  if (!caller) return;
  std::optional<BodyBudget::Held> held;
  const auto answer = [&]() -> Result<Json> {
    PENSTOCK_ASSIGN(Json body, BodyOf(x, held.emplace(*parts.bodies, *ns)));
    PENSTOCK_TRY(TakePath(path, body));
    return route.handle({parts, *ns, *caller, Asked(body), *held, x.stop()});
  }();
  if (!answer) return RespondMlflow(x, answer.error());
  x.Respond(200, "application/json", answer->dump() + "\n");
}

}  // namespace

std::vector<MlflowRoute> TakenByMlflow() {
  std::vector<MlflowRoute> taken;
  for (const Route& route : kRoutes) taken.push_back({route.method, route.path, route.verb});
  return taken;
}

void AddMlflow(Router& router, const MlflowParts& parts) {
  for (const Route& route : kRoutes)
    router.Add(
        route.method, std::string("/mlflow/{ns}/api/2.0/mlflow/") + route.path,
        [parts, &route](Exchange& x, const PathParameters& path) { Serve(parts, route, x, path); });
  if (parts.store != nullptr) AddMlflowArtifacts(router, parts);
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"})
    router.Add(method, "/mlflow/{rest...}", [](Exchange& x, const PathParameters&) {
      RespondMlflow(x, 404, "ENDPOINT_NOT_FOUND",
                    x.method() + " " + plan::Shown(x.path(), 200) +
                        " is none of what is taken here (docs/mlflow.md)");
    });
}

}  // namespace penstock::gateway
