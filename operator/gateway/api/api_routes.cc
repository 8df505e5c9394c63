#include "operator/gateway/api/api_routes.h"

#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMostBody = 1 << 20;

bool Writes(const ApiRoute& route) { return route.method != "GET"; }

// The path's parameters, decoded.
Result<PathParameters> Decoded(const PathParameters& raw) {
  PathParameters path;
  for (const auto& [name, value] : raw) {
    PENSTOCK_ASSIGN(path[name], net::UrlDecode(value));
  }
  return path;
}

Error Refusal(const std::string& message) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = message;
  return e;
}

// Whether a browser says that the page which asks is another's. One that says nothing is too old
// to, or is no browser.
bool IsOfAnotherSite(const ApiParts& parts, const Exchange& x) {
  const std::string site = x.Header("Sec-Fetch-Site"), origin = x.Header("Origin");
  if (!site.empty() && site != "same-origin") return true;
  return !origin.empty() && origin != "https://" + x.Header("Host") && origin != parts.origin;
}

// What no page of another site can have its reader's browser send. Where the browser itself shows
// who he is, it must not say that the page is another's either.
Result<void> CheckWrite(const ApiParts& parts, const Caller& caller, const Exchange& x) {
  if (x.Header("X-Penstock-Request") != "1")
    return Refusal("writes need the header X-Penstock-Request: 1");
  if (caller.by_gateway && IsOfAnotherSite(parts, x))
    return Refusal("the request comes from a page of another site");
  return {};
}

Result<void> ReadBody(const ApiParts& parts, const ApiRoute& route, ApiRequest& request) {
  if (route.body.empty()) return {};
  BodyBudget::Held held(*parts.bodies, request.ns());
  PENSTOCK_ASSIGN(
      const std::string text,
      ReadWholeBody(request.exchange(), kMostBody, [&](std::size_t n) { return held.Hold(n); }));
  if (text.empty()) return {};
  PENSTOCK_ASSIGN(request.body, ParseJson(text, "the body"));
  if (request.body.is_object()) return {};
  return Invalid("the body is no JSON object");
}

Result<void> CheckRight(const ApiParts& parts, const Right& right, const ApiRequest& request,
                        const std::string& ns) {
  if (right.verb.empty()) return {};
  PENSTOCK_ASSIGN(const bool may, parts.access->May(request.caller(), ns, right, request.stop()));
  if (may) return {};
  return Refusal(request.caller().user + " may not " + right.verb + " " + right.resource +
                 (right.subresource.empty() ? "" : "/" + right.subresource) +
                 (ns.empty() ? " in all namespaces" : " in namespace " + plan::Shown(ns, 80)));
}

Result<void> CheckRights(const ApiParts& parts, const ApiRoute& route, const ApiRequest& request,
                         const std::string& ns) {
  PENSTOCK_TRY(CheckRight(parts, route.right, request, ns));
  for (const Right& right : route.also) PENSTOCK_TRY(CheckRight(parts, right, request, ns));
  return {};
}

void Audit(const ApiParts& parts, const ApiRoute& route, const ApiRequest& request,
           const Error* refused) {
  Json line{{"audit", route.id},
            {"user", request.caller().user},
            {"namespace", request.ns()},
            {"outcome", refused == nullptr ? "done" : Name(refused->kind)}};
  for (const char* what : {"name", "model"}) {
    const std::string named = what;
    if (route.path.find("{" + named + "}") != std::string::npos) line[what] = request.Path(what);
  }
  for (const char* what : {"pipeline", "step"})
    if (const auto it = request.body.find(what); it != request.body.end() && it->is_string())
      line[what] = *it;
  if (refused != nullptr) line["why"] = refused->message;
  parts.audit(line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void RespondUnknown(const ApiParts& parts, Exchange& x, const Error& error) {
  if (error.kind != ErrorKind::kForbidden) return RespondApiError(x, error);
  Headers headers{{"WWW-Authenticate", "Bearer"}};
  if (parts.login) headers.emplace_back("X-Penstock-Login", std::string(kApiRoot) + "/auth/login");
  RespondApiError(x, 401, "Unauthorized", error.message, headers);
}

void Serve(const ApiParts& parts, const ApiRoute& route, Exchange& x, const PathParameters& raw) {
  auto caller = route.open ? Caller{} : parts.access->WhoIs(x);
  if (!caller) return RespondUnknown(parts, x, caller.error());
  if (!route.open) x.CallerIsKnown();
  auto path = Decoded(raw);
  if (!path) return RespondApiError(x, path.error());
  auto query = ParseQuery(x.query());
  if (!query) return RespondApiError(x, query.error());
  ApiRequest request(x, *std::move(path), *std::move(query), *std::move(caller));
  const auto answer = [&]() -> Result<Reply> {
    if (Writes(route)) PENSTOCK_TRY(CheckWrite(parts, request.caller(), x));
    // One stream is for one namespace, which stands in the query.
    const bool in_path = route.path.find("{ns}") != std::string::npos;
    const std::string ns = route.of_all_namespaces ? ""
                           : in_path               ? request.ns()
                                                   : request.Text("namespace");
    if (ns.empty() && !route.right.verb.empty() && !route.of_all_namespaces) {
      request.Blame("namespace");
      return Invalid("namespace: is missing; a stream is of one namespace");
    }
    PENSTOCK_TRY(CheckRights(parts, route, request, ns));
    PENSTOCK_TRY(ReadBody(parts, route, request));
    if (!route.answers_itself) return route.handle(request);
    route.answers_itself(request);
    return Reply{0, {}, {}};
  }();
  if (Writes(route)) Audit(parts, route, request, answer ? nullptr : &answer.error());
  if (!answer) return RespondApiError(x, answer.error(), request.field());
  if (answer->status != 0) RespondJson(x, answer->status, answer->body, answer->headers);
}

}  // namespace

std::vector<ApiRoute> ApiRoutes(const ApiParts& parts) {
  std::vector<ApiRoute> routes;
  AddReadRoutes(parts, routes);
  AddFileRoutes(parts, routes);
  AddEventRoutes(parts, routes);
  AddWriteRoutes(parts, routes);
  if (parts.login) AddLoginRoutes(parts, routes);
  if (parts.keeper != nullptr) AddStoreRoutes(parts, routes);
  return routes;
}

void AddApi(Router& router, const ApiParts& parts) {
  std::vector<ApiRoute> routes = ApiRoutes(parts);
  // For whoever writes a client; it says nothing of anybody's runs.
  router.Add("GET", std::string(kApiRoot) + "/openapi.json",
             [document = OpenApiDocument(routes)](Exchange& x, const PathParameters&) {
               RespondJson(x, 200, document);
             });
  for (ApiRoute& route : routes) {
    const std::string method = route.method, path = kApiRoot + route.path;
    router.Add(method, path,
               [&parts, route = std::move(route)](Exchange& x, const PathParameters& p) {
                 Serve(parts, route, x, p);
               });
  }
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"})
    router.Add(method, "/api/{rest...}", [](Exchange& x, const PathParameters&) {
      RespondApiError(x, NotFound("nothing is at " + x.method() + " " + plan::Shown(x.path(), 200) +
                                  "; see " + kApiRoot + "/openapi.json"));
    });
}

}  // namespace penstock::gateway
