#include "operator/routers/companions.h"

#include <algorithm>
#include <optional>

#include "operator/api/codec.h"
#include "operator/base/json_member.h"
#include "operator/kube/resources.h"
#include "operator/kube/selector.h"
#include "operator/plan/attempt/labels.h"
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
    observed.has_routes = routes.error().kind != ErrorKind::kNotFound;
    if (!observed.has_routes) return {};
    return routes.error();
  }
  for (const Json& route : routes->items) {
    if (api::DecodeMeta(route).name != meta.name) continue;
    observed.companions[plan::Companion::kRoute] = plan::DecodeCompanion(route, meta.uid);
    observed.route = plan::DecodeRoute(route, observed.md);
  }
  return {};
}

// As kubectl would write it; nothing for one that selects nothing, or that nobody can read.
std::optional<std::string> TextOf(const Json& selector) {
  if (!selector.is_object()) return std::nullopt;
  std::string text;
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : ",") + one; };
  if (const Json& labels = Member(selector, "matchLabels"); labels.is_object())
    for (const auto& [key, value] : labels.items())
      if (value.is_string()) add(key + "=" + value.get<std::string>());
  const Json& expressions = Member(selector, "matchExpressions");
  if (!expressions.is_array()) return text;
  for (const Json& e : expressions) {
    const std::string key = TextAt(e, "key");
    const std::string op = TextAt(e, "operator");
    std::string values;
    if (const Json& all = Member(e, "values"); all.is_array())
      for (const Json& value : all)
        if (value.is_string()) values += (values.empty() ? "" : ",") + value.get<std::string>();
    if (op == "Exists") add(key);
    if (op == "DoesNotExist") add("!" + key);
    if (op == "In") add(key + " in (" + values + ")");
    if (op == "NotIn") add(key + " notin (" + values + ")");
  }
  return text;
}

bool IsForServers(const Json& budget, const plan::ModelObserved& observed) {
  const auto text = TextOf(Member(Member(budget, "spec"), "selector"));
  if (!text) return false;
  const auto selector = kube::LabelSelector::Parse(*text);
  if (!selector) return false;
  return std::any_of(observed.deployments.begin(), observed.deployments.end(), [&](const auto& d) {
    const Json labels{{plan::kLabelManaged, "true"},
                      {plan::kLabelModelDeployment, observed.md.meta.name},
                      {plan::kLabelModelVersion, std::to_string(d.version)}};
    return selector->Matches({{"metadata", {{"labels", labels}}}});
  });
}

Result<void> ObserveBudget(kube::Client& client, const std::stop_token& stop,
                           plan::ModelObserved& observed) {
  const api::ObjectMeta& meta = observed.md.meta;
  const auto budgets = client.List(kube::kDisruptionBudgets, meta.namespace_, {}, {.stop = stop});
  if (!budgets) return budgets.error();
  for (const Json& budget : budgets->items) {
    const std::string name = api::DecodeMeta(budget).name;
    const plan::CompanionFact fact = plan::DecodeCompanion(budget, meta.uid);
    if (name == meta.name) observed.companions[plan::Companion::kDisruptionBudget] = fact;
    if (!fact.ours && (name == meta.name || IsForServers(budget, observed)))
      observed.other_budget = name;
  }
  return {};
}

}  // namespace

Result<void> ObserveCompanion(plan::Companion kind, kube::Client& client,
                              const std::stop_token& stop, plan::ModelObserved& observed) {
  return kind == plan::Companion::kRoute ? ObserveRoute(client, stop, observed)
                                         : ObserveBudget(client, stop, observed);
}

}  // namespace penstock::routers
