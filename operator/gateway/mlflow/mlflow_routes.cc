#include "operator/gateway/mlflow/mlflow_routes.h"

#include <algorithm>
#include <optional>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_request.h"
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
    {"GET", "metrics/get-history", "list", MetricHistory},
};

void RespondMlflow(Exchange& x, int status, const char* code, const std::string& message,
                   const Headers& headers = {}) {
  const Json body{{"error_code", code}, {"message", plan::Shown(message, 4096)}};
  x.Respond(status, "application/json", body.dump() + "\n", headers);
}

void RespondMlflow(Exchange& x, const Error& error) {
  switch (error.kind) {
    case ErrorKind::kNotFound:
      return RespondMlflow(x, 404, "RESOURCE_DOES_NOT_EXIST", error.message);
    case ErrorKind::kAlreadyExists:
      return RespondMlflow(x, 400, "RESOURCE_ALREADY_EXISTS", error.message);
    case ErrorKind::kInvalid:
      return RespondMlflow(x, 400, "INVALID_PARAMETER_VALUE", error.message);
    case ErrorKind::kForbidden:
      return RespondMlflow(x, 403, "PERMISSION_DENIED", error.message);
    case ErrorKind::kTooLarge:
      return RespondMlflow(x, 413, "REQUEST_LIMIT_EXCEEDED", error.message);
    case ErrorKind::kOverloaded:
      return RespondMlflow(x, 429, "REQUEST_LIMIT_EXCEEDED", error.message);
    case ErrorKind::kTransient:
    case ErrorKind::kNoSpace:
      return RespondMlflow(x, 503, "TEMPORARILY_UNAVAILABLE", error.message);
    default:
      return RespondMlflow(x, 500, "INTERNAL_ERROR", error.message);
  }
}

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

Result<void> CheckRight(const MlflowParts& parts, const Route& route, const Caller& caller,
                        const std::string& ns, const std::stop_token& stop) {
  const auto& all = parts.namespaces;
  if (!all.empty() && std::find(all.begin(), all.end(), ns) == all.end())
    return NotFound("the namespace " + plan::Shown(ns, 80) + " is not looked after here");
  const Right right{.verb = route.verb, .resource = "pipelineruns", .subresource = ""};
  PENSTOCK_ASSIGN(const bool may, parts.access->May(caller, ns, right, stop));
  if (may) return {};
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message =
      caller.user + " may not " + route.verb + " pipelineruns in namespace " + plan::Shown(ns, 80);
  return e;
}

void Serve(const MlflowParts& parts, const Route& route, Exchange& x, const PathParameters& path) {
  const Headers challenge{{"WWW-Authenticate", "Bearer"}};
  // The header alone, and no cookie, which a page of another site could have its reader send.
  if (!x.Header("Authorization").starts_with("Bearer "))
    return RespondMlflow(x, 401, "UNAUTHENTICATED",
                         "a bearer token is missing: set MLFLOW_TRACKING_TOKEN", challenge);
  const auto caller = parts.access->WhoIs(x);
  if (!caller && caller.error().kind == ErrorKind::kForbidden)
    return RespondMlflow(x, 401, "UNAUTHENTICATED", caller.error().message, challenge);
  if (!caller) return RespondMlflow(x, caller.error());
  x.CallerIsKnown();
  std::optional<BodyBudget::Held> held;
  const auto answer = [&]() -> Result<Json> {
    PENSTOCK_ASSIGN(const std::string ns, net::UrlDecode(path.at("ns")));
    PENSTOCK_TRY(CheckRight(parts, route, *caller, ns, x.stop()));
    PENSTOCK_ASSIGN(const Json body, BodyOf(x, held.emplace(*parts.bodies, ns)));
    return route.handle({parts, ns, *caller, Asked(body), *held, x.stop()});
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
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"})
    router.Add(method, "/mlflow/{rest...}", [](Exchange& x, const PathParameters&) {
      RespondMlflow(x, 404, "ENDPOINT_NOT_FOUND",
                    x.method() + " " + plan::Shown(x.path(), 200) +
                        " is none of what is taken here (docs/mlflow.md)");
    });
}

}  // namespace penstock::gateway
