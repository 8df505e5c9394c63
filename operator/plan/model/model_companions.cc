#include "operator/plan/model/model_companions.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/router/router_objects.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kLookForAnswer{3'000};  // nothing tells of what a Gateway says
constexpr Milliseconds kLookAtRefusal{10'000};
constexpr Milliseconds kLookAtRoute{60'000};

const CompanionFact* Find(const ModelObserved& o, Companion kind) {
  const auto it = o.companions.find(kind);
  return it == o.companions.end() ? nullptr : &it->second;
}

std::string GatewayText(const api::ModelDeployment& md) {
  const api::GatewayRef& gateway = *md.spec.expose.gateway;
  const std::string& ns = gateway.namespace_.empty() ? md.meta.namespace_ : gateway.namespace_;
  return "Gateway " + ns + "/" + gateway.name +
         (gateway.section_name.empty() ? "" : " (listener " + gateway.section_name + ")");
}

bool IsOurGateway(const Json& ref, const api::ModelDeployment& md) {
  const api::GatewayRef& gateway = *md.spec.expose.gateway;
  const auto or_own = [&](const std::string& ns) { return ns.empty() ? md.meta.namespace_ : ns; };
  return TextAt(ref, "name") == gateway.name &&
         or_own(TextAt(ref, "namespace")) == or_own(gateway.namespace_) &&
         TextAt(ref, "sectionName") == gateway.section_name;
}

// One controller's words; several may speak for one Gateway.
struct Words {
  bool accepted = false;
  std::string refused;
  std::string not_resolved;
};

Words WordsOf(const Json& parent, std::int64_t generation) {
  Words words;
  const Json& conditions = Member(parent, "conditions");
  if (!conditions.is_array()) return words;
  for (const Json& c : conditions) {
    const Json& of = Member(c, "observedGeneration");
    if (of.is_number_integer() && of.get<std::int64_t>() < generation) continue;
    if (TextAt(c, "status") == "Unknown") continue;  // the controller has yet to say
    const std::string type = TextAt(c, "type");
    const bool good = TextAt(c, "status") == "True";
    const std::string why = Shown(TextAt(c, "reason"), 128) +
                            (TextAt(c, "message").empty() ? "" : ": ") +
                            Shown(TextAt(c, "message"), 512);
    if (type == "Accepted" && good) words.accepted = true;
    if (type == "Accepted" && !good) words.refused = why;
    if (type == "ResolvedRefs" && !good) words.not_resolved = why;
  }
  return words;
}

bool IsWanted(const ModelObserved& o, Companion kind) {
  if (kind == Companion::kRoute) return o.md.spec.expose.gateway && o.service && o.has_routes;
  return o.md.spec.replicas >= 2 && !o.deployments.empty() && o.other_budget.empty();
}

// Empty: it was looked at.
std::string WhyUnread(const ModelObserved& o, Companion kind) {
  const auto found = o.unread.find(kind);
  return found == o.unread.end() ? "" : found->second;
}

Json Build(const api::ModelDeployment& md, Companion kind) {
  return kind == Companion::kRoute ? BuildRoute(md) : BuildDisruptionBudget(md);
}

// As it was made, but for what was edited since: that is no reason to tell anybody, as an operator
// that begins takes all of them for edited.
bool Stands(const ModelObserved& o, Companion kind) {
  const CompanionFact* there = Find(o, kind);
  return there != nullptr && there->ours && !there->deleting &&
         there->made_of == MadeOf(Build(o.md, kind));
}

}  // namespace

const char* KindOf(Companion kind) {
  return kind == Companion::kRoute ? "HTTPRoute" : "PodDisruptionBudget";
}

std::string ObjectText(Companion kind, const api::ModelDeployment& md) {
  return std::string(KindOf(kind)) + " " + md.meta.name;
}

bool MayHaveRoute(const api::ModelDeployment& md) {
  return md.spec.expose.gateway || api::FindCondition(md.status.conditions, kExposed) != nullptr;
}

CompanionFact DecodeCompanion(const Json& object, const std::string& md_uid) {
  const api::ObjectMeta meta = api::DecodeMeta(object);
  CompanionFact fact;
  fact.uid = meta.uid;
  fact.deleting = meta.deleted.has_value();
  fact.ours = std::any_of(meta.owners.begin(), meta.owners.end(),
                          [&](const auto& o) { return o.uid == md_uid && o.controller; });
  fact.made_of = MadeOf(object);
  fact.generation = meta.generation;
  return fact;
}

RouteFact DecodeRoute(const Json& route, const api::ModelDeployment& md) {
  RouteFact fact;
  if (!md.spec.expose.gateway) return fact;
  const std::int64_t generation = api::DecodeMeta(route).generation;
  const Json& parents = Member(Member(route, "status"), "parents");
  if (!parents.is_array()) return fact;
  for (const Json& parent : parents) {
    if (!IsOurGateway(Member(parent, "parentRef"), md)) continue;
    Words words = WordsOf(parent, generation);
    if (!words.accepted && words.refused.empty()) continue;
    fact.told = true;
    fact.refused = std::move(words.refused);
    fact.not_resolved = std::move(words.not_resolved);
    if (fact.refused.empty() && fact.not_resolved.empty()) break;  // one that leads here is enough
  }
  return fact;
}

void PutCompanions(const ModelObserved& o, ModelPlan& plan) {
  for (const Companion kind : kCompanions) {
    if (!WhyUnread(o, kind).empty()) continue;
    const CompanionFact* there = Find(o, kind);
    if (there != nullptr && there->deleting) continue;  // made again when it is gone
    if (IsWanted(o, kind)) {
      if (!Stands(o, kind) || there->edited)
        plan.actions.emplace_back(ApplyCompanion{kind, o.md.meta.name, Build(o.md, kind)});
    } else if (there != nullptr && there->ours &&
               (kind != Companion::kRoute || !o.md.spec.expose.gateway)) {
      plan.actions.emplace_back(DeleteCompanion{kind, o.md.meta.name, there->uid});
    }
  }
  // What cannot be read has pauses of its own.
  if (!o.md.spec.expose.gateway || !WhyUnread(o, Companion::kRoute).empty()) return;
  // Nothing tells when the Gateway API comes to a cluster that lacks it.
  const Trouble trouble = TroubleOfRoute(o);
  const Milliseconds wait = trouble.reason.empty() || !o.has_routes ? kLookAtRoute
                            : trouble.lasting                       ? kLookAtRefusal
                                                                    : kLookForAnswer;
  plan.requeue_after = std::min(plan.requeue_after.value_or(wait), wait);
}

Trouble TroubleOfRoute(const ModelObserved& o) {
  if (!o.md.spec.expose.gateway) return {};
  if (!o.has_routes)
    return {"NoGatewayAPI",
            "the cluster has no HTTPRoute (gateway.networking.k8s.io/v1): install the Gateway API, "
            "or take expose.gateway out",
            false, true};
  if (const std::string why = WhyUnread(o, Companion::kRoute); !why.empty())
    return {"RouteUnread", "HTTPRoute " + o.md.meta.name + ": " + why};
  for (const Refusal& refusal : o.refusals)
    if (refusal.object == ObjectText(Companion::kRoute, o.md)) return TroubleOf(refusal);
  if (!o.service)
    return {"RoutePending", "there is no Service yet that the HTTPRoute could lead to"};
  if (!Stands(o, Companion::kRoute)) return {"RoutePending", "the HTTPRoute is made"};
  const std::string gateway = GatewayText(o.md);
  if (!o.route.told)
    return {"RoutePending", gateway +
                                " has said nothing of the HTTPRoute yet: it says so when it is "
                                "there and its class has a controller"};
  if (!o.route.refused.empty())
    return {"RouteRefused", gateway + " does not take the HTTPRoute: " + o.route.refused, false,
            true};
  if (!o.route.not_resolved.empty())
    return {"RouteUnresolved", gateway + " finds no way to the Service: " + o.route.not_resolved,
            false, true};
  return {};
}

void PutExposed(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  auto& conditions = plan.status.conditions;
  if (!o.md.spec.expose.gateway) {
    // Until it is seen to be gone, so that it is looked at.
    if (Find(o, Companion::kRoute) == nullptr && WhyUnread(o, Companion::kRoute).empty())
      std::erase_if(conditions, [](const api::Condition& c) { return c.type == kExposed; });
    return;
  }
  const Trouble trouble = TroubleOfRoute(o);
  const api::ExposeSpec& expose = o.md.spec.expose;
  std::string message = trouble.message;
  if (trouble.reason.empty()) {
    message = GatewayText(o.md) + " leads " + expose.hostname + expose.path + " to the Service";
    if (expose.tls) message += ", which speaks TLS: it needs a BackendTLSPolicy for that";
  }
  api::SetCondition(
      conditions,
      {kExposed,
       trouble.reason.empty() ? api::ConditionStatus::kTrue : api::ConditionStatus::kFalse,
       trouble.reason.empty() ? "Accepted" : trouble.reason,
       Shown(message, 4096),
       o.md.meta.generation,
       {}},
      now);
}

void PutBudgetUnread(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  auto& conditions = plan.status.conditions;
  const std::string why = WhyUnread(o, Companion::kDisruptionBudget);
  if (why.empty() || !IsWanted(o, Companion::kDisruptionBudget)) {
    std::erase_if(conditions, [](const api::Condition& c) { return c.type == kDisruptionBudget; });
    return;
  }
  const std::string message = Shown(
      "whether a PodDisruptionBudget stands is not known: " + why + "; it is tried again", 4096);
  if (api::FindCondition(conditions, kDisruptionBudget) == nullptr)
    plan.events.push_back({"Warning", "BudgetUnread", message});
  api::SetCondition(conditions,
                    {kDisruptionBudget,
                     api::ConditionStatus::kFalse,
                     "BudgetUnread",
                     message,
                     o.md.meta.generation,
                     {}},
                    now);
}

}  // namespace penstock::plan
