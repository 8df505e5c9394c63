// The HTTP API for people and their programs, under /api/v1: what operator/views tells, with the
// caller's identity and rights, and what he may do. One table (ApiRoute) gives the routes and the
// OpenAPI document. Filled before the server starts, read by many threads after.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "operator/gateway/api/access.h"
#include "operator/gateway/api/acting.h"
#include "operator/gateway/api/api_request.h"
#include "operator/gateway/api/event_hub.h"
#include "operator/gateway/body_budget.h"
#include "operator/gateway/login/provider.h"
#include "operator/gateway/login/sessions.h"
#include "operator/gateway/router.h"
#include "operator/retention/store_keeper.h"
#include "operator/views/place.h"

namespace penstock::gateway {

// What logging in stands on; both must outlive the router.
struct Login {
  login::Provider* provider = nullptr;
  login::Sessions* sessions = nullptr;
};

// What the API stands on; all of it must outlive the router.
struct ApiParts {
  const views::Place* place = nullptr;
  Access* access = nullptr;
  Acting* acting = nullptr;
  BodyBudget* bodies = nullptr;
  EventHub* events = nullptr;
  // A line of JSON for each write that was asked for: who, what, and what became of it.
  std::function<void(const std::string& line)> audit = [](const std::string&) {};
  retention::StoreKeeper* keeper = nullptr;  // none: there are no routes of the store
  std::optional<Login> login{};              // none: nobody can log in
  // Where browsers find the gateway ("https://host"), beside the host that a request names.
  std::string origin{};
};

struct ApiParameter {
  std::string name;
  std::string description;
  bool number = false;
  bool many = false;                 // may be given several times
  std::vector<std::string> words{};  // that it may be; empty: any
};

struct Reply {
  int status = 200;
  Json body;
  Headers headers{};
};

struct ApiRoute {
  std::string method;
  std::string path;  // below /api/v1, as Router has it
  std::string id;    // operationId
  std::string summary;
  Right right;                // that is asked for in {ns}; without a verb none is
  std::vector<Right> also{};  // of a write: to see what it reads and answers with
  std::vector<ApiParameter> query{};
  std::string answer;     // the schema's name; empty: the answer is no JSON
  std::string body = {};  // of a write: the schema's name
  std::string media = "application/json";
  int status = 200;
  std::function<Result<Reply>(ApiRequest&)> handle = {};
  std::function<void(ApiRequest&)> answers_itself = {};  // instead
  bool of_all_namespaces = false;  // `right` is asked for in all of them together
  bool open = false;               // anybody may call it
};

inline constexpr const char* kApiRoot = "/api/v1";

// All routes. `parts` is borrowed by the handlers.
[[nodiscard]] std::vector<ApiRoute> ApiRoutes(const ApiParts& parts);
// Parts of it.
void AddReadRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);
void AddFileRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);
void AddEventRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);
void AddWriteRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);
void AddLoginRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);
void AddStoreRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes);

// Puts them into the router, and /api/v1/openapi.json. `parts` must outlive the router.
void AddApi(Router& router, const ApiParts& parts);

// OpenAPI 3.1 of the routes.
[[nodiscard]] Json OpenApiDocument(const std::vector<ApiRoute>& routes);
// components.schemas of it.
[[nodiscard]] const Json& ApiSchemas();

}  // namespace penstock::gateway
