#include "operator/controllers/companion_facts.h"

#include "operator/api/codec.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_companions.h"

namespace penstock::controllers {
namespace {

// A list, as of what the cluster does not have at all NotFound is the answer to it alone.
Result<void> ObserveRoute(const Context& context, plan::ModelObserved& observed) {
  const api::ObjectMeta& meta = observed.md.meta;
  if (!plan::MayHaveRoute(observed.md)) return {};
  kube::ListOptions list;
  list.label_selector = std::string(plan::kLabelModelDeployment) + "=" + meta.name;
  const auto routes =
      context.client.List(kube::kHTTPRoutes, meta.namespace_, list, {.stop = context.stop});
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

Result<void> ObserveCompanions(const Context& context, plan::ModelObserved& observed) {
  const api::ObjectMeta& meta = observed.md.meta;
  const auto budget = context.client.Get(kube::kDisruptionBudgets, meta.namespace_, meta.name,
                                         {.stop = context.stop});
  if (budget) {
    observed.companions[plan::Companion::kDisruptionBudget] =
        plan::DecodeCompanion(*budget, meta.uid);
  } else if (budget.error().kind != ErrorKind::kNotFound) {
    return budget.error();
  }
  return ObserveRoute(context, observed);
}

}  // namespace penstock::controllers
