#include "operator/plan/router/router_plan.h"

#include <algorithm>

#include "operator/plan/router/router_objects.h"

namespace penstock::plan {
namespace {

// A ModelDeployment that is deleted and made again finds its routers still there.
constexpr Milliseconds kLinger{30'000};

const RouterObjectFact* Find(const RoutersObserved& observed, RouterObject kind) {
  const auto it = observed.objects.find(kind);
  return it == observed.objects.end() ? nullptr : &it->second;
}

void Make(const RoutersObserved& observed, const RouterSettings& settings, RouterPlan& plan) {
  for (const RouterObject kind : kRouterObjects) {
    const RouterObjectFact* there = Find(observed, kind);
    if (there != nullptr && there->deleting) continue;  // made again when it is gone
    Json object = BuildRouterObject(kind, observed, settings);
    if (there != nullptr && there->ours && there->made_of == MadeOf(object)) continue;
    plan.actions.emplace_back(ApplyRouterObject{kind, std::move(object)});
  }
}

void Remove(const RoutersObserved& observed, RouterPlan& plan) {
  const bool any = std::any_of(observed.objects.begin(), observed.objects.end(),
                               [](const auto& o) { return o.second.ours && !o.second.deleting; });
  if (!any) return;
  if (observed.unneeded_for < kLinger) {
    plan.requeue_after = kLinger - observed.unneeded_for;
    return;
  }
  for (auto kind = kRouterObjects.rbegin(); kind != kRouterObjects.rend(); ++kind) {
    const RouterObjectFact* there = Find(observed, *kind);
    if (there == nullptr || !there->ours || there->deleting) continue;
    plan.actions.emplace_back(DeleteRouterObject{*kind, there->uid});
  }
}

}  // namespace

RouterPlan PlanRouters(const RoutersObserved& observed, const RouterSettings& settings) {
  RouterPlan plan;
  if (observed.needed) {
    Make(observed, settings, plan);
  } else {
    Remove(observed, plan);
  }
  return plan;
}

}  // namespace penstock::plan
