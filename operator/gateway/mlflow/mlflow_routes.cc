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
    {"POST", "logged-models/search", "list", SearchLoggedModels},
    {"GET", "metrics/get-history", "list", MetricHistory},
};

Result<Json> BodyOf(Exchange& x, BodyBudget::Held& held) {
  Json body = Json::object();
  if (x.method() == "GET") {
    PENSTOCK_ASSIGN(const QueryPairs pairs, ParseQuery(x.query()));
    for (const auto& [name, value] : pairs) body[name] = value;
    return body;
  }
  PENSTOCK_ASSIGN(const std::string text,
                  ReadWholeBody(x, kMostBody, [&](std::size_t n) { return held.Hold(n); }));
  PENSTOCK_ASSIGN(body, ParseJson(text, "the body"));
  if (!body.is_object()) return Invalid("the body is no JSON object");
  return body;
}

void Serve(const MlflowParts& parts, const Route& route, Exchange& x, const PathParameters& path) {
  const auto ns = net::UrlDecode(path.at("ns"));
  if (!ns) return RespondMlflow(x, ns.error());
  const auto caller = AllowedCaller(parts, x, *ns, route.verb);
  if (!caller) return;
  std::optional<BodyBudget::Held> held;
  const auto answer = [&]() -> Result<Json> {
    PENSTOCK_ASSIGN(const Json body, BodyOf(x, held.emplace(*parts.bodies, *ns)));
    return route.handle({parts, *ns, *caller, Asked(body), *held, x.stop()});
  }();
  if (!answer) return RespondMlflow(x, answer.error());
  x.Respond(200, "application/json", answer->dump() + "\n");
}

}  // namespace

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
