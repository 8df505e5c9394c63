#include "operator/routers/companions.h"

#include "operator/api/codec.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_companions.h"

namespace penstock::routers {
namespace {

// A list, as of what the cluster does not have at all NotFound is the answer to it alone.
Result<void> ObserveRoute(kube::Client& client, const std::stop_token& stop,
                          plan::ModelObserved& observed) {
  const api::ObjectMeta& meta = observed.md.meta;
  if (!plan::MayHaveRoute(observed.md)) return {};
  kube::ListOptions list;
  list.label_selector = std::string(plan::kLabelModelDeployment) + "=" + meta.name;
  const auto routes = client.List(kube::kHTTPRoutes, meta.namespace_, list, {.stop = stop});
  if (!routes) {
    const Error& error = routes.error();
    observed.has_routes = error.kind != ErrorKind::kNotFound;
    if (error.kind == ErrorKind::kForbidden) observed.route_unread = error.message;
    if (!observed.has_routes || error.kind == ErrorKind::kForbidden) return {};
    return error;
  }
  for (const Json& route : routes->items) {
    if (api::DecodeMeta(route).name != meta.name) continue;
    observed.companions[plan::Companion::kRoute] = plan::DecodeCompanion(route, meta.uid);
    observed.route = plan::DecodeRoute(route, observed.md);
  }
  return {};
}

}  // namespace

Result<void> ObserveCompanions(kube::Client& client, const std::stop_token& stop,
                               plan::ModelObserved& observed) {
  const api::ObjectMeta& meta = observed.md.meta;
  const auto budget =
      client.Get(kube::kDisruptionBudgets, meta.namespace_, meta.name, {.stop = stop});
  if (budget) {
    observed.companions[plan::Companion::kDisruptionBudget] =
        plan::DecodeCompanion(*budget, meta.uid);
  } else if (budget.error().kind != ErrorKind::kNotFound) {
    return budget.error();
  }
  return ObserveRoute(client, stop, observed);
}

}  // namespace penstock::routers
