#include "operator/gateway/mlflow/mlflow_answer.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::gateway {
namespace {

// A DNS label, as Kubernetes has it of a namespace.
bool IsNamespaceName(const std::string& ns) {
  return !ns.empty() && ns.size() <= 63 && ns.front() != '-' && ns.back() != '-' &&
         ns.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

Result<void> CheckRight(const MlflowParts& parts, const char* verb, const Caller& caller,
                        const std::string& ns, const std::stop_token& stop) {
  // It names folders of the store too; whoever may do everything may do it in "../x" as well.
  if (!IsNamespaceName(ns)) return NotFound("there is no namespace " + plan::Shown(ns, 80));
  const auto& all = parts.namespaces;
  if (!all.empty() && std::find(all.begin(), all.end(), ns) == all.end())
    return NotFound("the namespace " + plan::Shown(ns, 80) + " is not looked after here");
  const Right right{.verb = verb, .resource = "pipelineruns", .subresource = ""};
  PENSTOCK_ASSIGN(const bool may, parts.access->May(caller, ns, right, stop));
  if (may) return {};
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message =
      caller.user + " may not " + verb + " pipelineruns in namespace " + plan::Shown(ns, 80);
  return e;
}

}  // namespace

void RespondMlflow(Exchange& x, int status, const char* code, const std::string& message,
                   const Headers& headers) {
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

std::optional<Caller> AllowedCaller(const MlflowParts& parts, Exchange& x, const std::string& ns,
                                    const char* verb) {
  const Headers challenge{{"WWW-Authenticate", "Bearer"}};
  // The header alone, and no cookie, which a page of another site could have its reader send.
  if (!x.Header("Authorization").starts_with("Bearer ")) {
    RespondMlflow(x, 401, "UNAUTHENTICATED", "a bearer token is missing: set MLFLOW_TRACKING_TOKEN",
                  challenge);
    return std::nullopt;
  }
  auto caller = parts.access->WhoIs(x);
  if (!caller) {
    if (caller.error().kind == ErrorKind::kForbidden)
      RespondMlflow(x, 401, "UNAUTHENTICATED", caller.error().message, challenge);
    else
      RespondMlflow(x, caller.error());
    return std::nullopt;
  }
  x.CallerIsKnown();
  if (const auto may = CheckRight(parts, verb, *caller, ns, x.stop()); !may) {
    RespondMlflow(x, may.error());
    return std::nullopt;
  }
  return *std::move(caller);
}

}  // namespace penstock::gateway
