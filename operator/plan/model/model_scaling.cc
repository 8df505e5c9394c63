#include "operator/plan/model/model_scaling.h"

#include <algorithm>
#include <cmath>

#include "operator/base/json_member.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_history.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/rollout/gate.h"
#include "operator/plan/scaling/decision.h"

namespace penstock::plan {
namespace {

constexpr double kTargetUtilization = 0.7;
constexpr Milliseconds kWithoutRouters{5'000};

scaling::Rules RulesOf(const api::ModelDeploymentSpec& spec) {
  const api::AutoscalingSpec& a = *spec.autoscaling;
  scaling::Rules rules;
  rules.min = a.min_replicas;
  rules.max = a.max_replicas;
  rules.target =
      a.target_utilization.empty() ? kTargetUtilization : rollout::NumberOf(a.target_utilization);
  rules.concurrency = ConcurrencyOf(spec);
  rules.idle_after = a.idle_after;
  return rules;
}

std::int64_t StableVersionOf(const ModelObserved& o) {
  if (o.service && o.service->version > 0) return o.service->version;
  return o.md.status.stable ? o.md.status.stable->version : 0;
}

// A candidate is asked before any traffic, and so is the stable version that it is held against.
bool VersionComesIn(const ModelObserved& o, const DeploymentFact& stable) {
  if (o.md.status.candidate) return true;
  return o.target && o.target->digest != stable.model.digest &&
         RejectionOf(o.md.status.history, o.target->digest, TemplateHash(o.md)) == nullptr;
}

bool RoutersHold(const ModelObserved& o) {
  return o.service && o.service->to_routers &&
         (o.ready_routers > 0 || o.no_router_for < kWithoutRouters);
}

// Where the stable version has no Deployment. It went to make room for another version, or somebody
// deleted it: what it had to do is to be done still.
int LastKnown(const ModelObserved& o) {
  if (o.load.replicas().value_or(0) > 0) return *o.load.replicas();
  int known = o.md.status.replicas;
  for (const DeploymentFact& d : o.deployments) known = std::max(known, d.spec_replicas);
  return known;
}

std::string Servers(int n) {
  return n == 0 ? "no servers" : n == 1 ? "1 server" : std::to_string(n) + " servers";
}

}  // namespace

int ConcurrencyOf(const api::ModelDeploymentSpec& spec) {
  if (spec.autoscaling && spec.autoscaling->concurrency) return *spec.autoscaling->concurrency;
  const Json& resources =
      spec.server.container ? spec.server.container->container.resources : spec.resources;
  for (const char* of : {"limits", "requests"}) {
    const Json& cpu = Member(Member(resources, of), "cpu");
    if (cpu.is_null()) continue;
    const auto cpus = ParseQuantity(cpu);
    if (cpus && *cpus > 0) return static_cast<int>(std::ceil(std::min(*cpus, 1e5)));
  }
  return 1;
}

bool IsIdle(const api::ModelDeploymentSpec& spec) { return spec.autoscaling && spec.replicas == 0; }

ScalingStep Scale(ModelObserved& o) {
  const scaling::Rules rules = RulesOf(o.md.spec);
  const int fewest = std::max(rules.min, 1);
  const DeploymentFact* stable = o.OfVersion(StableVersionOf(o));
  if (stable == nullptr) {
    const int known = StableVersionOf(o) > 0 ? LastKnown(o) : fewest;
    o.md.spec.replicas = std::clamp(known, fewest, std::max(rules.max, fewest));
    return {o.md.spec.replicas, o.md.spec.replicas, "", std::nullopt};
  }
  const int before = stable->spec_replicas;
  o.load.Look({o.routers, o.ready_routers + o.routers_not_asked, before,
               stable->IsAvailable(before), stable->available_replicas, o.clock,
               o.service && o.service->to_routers});
  const bool comes_in = VersionComesIn(o, *stable);
  if (comes_in) o.load.Wake(o.clock);
  const auto decision =
      scaling::Decide(rules, o.load, before, !comes_in && RoutersHold(o), o.clock);
  o.md.spec.replicas = decision.replicas;
  return {before, decision.replicas, decision.why, decision.look_again};
}

void WakeDespiteErrors(const ModelObserved& o, ModelPlan& plan) {
  const DeploymentFact* stable = o.OfVersion(StableVersionOf(o));
  // A number that the spec said is left at 0.
  const bool sleeps = (o.md.spec.autoscaling || o.load.replicas()) && o.service &&
                      o.service->to_routers && stable != nullptr && stable->spec_replicas == 0;
  if (!sleeps) return;
  const bool held = std::any_of(o.routers.begin(), o.routers.end(),
                                [](const RouterFact& router) { return router.held > 0; });
  plan.listens = !held;
  if (!held) return;
  plan.actions.emplace_back(PatchDeployment{stable->name, {{"spec", {{"replicas", 1}}}}});
  plan.events.push_back({"Normal", "Woken", "1 server instead of none: a request waits"});
}

void TellScaling(const ScalingStep& step, ModelPlan& plan) {
  plan.listens = step.replicas == 0;
  if (step.look_again)
    plan.requeue_after = std::min(plan.requeue_after.value_or(*step.look_again), *step.look_again);
  if (step.replicas == step.before) return;
  const char* reason = step.replicas == 0 ? "Idle" : step.before == 0 ? "Woken" : "Scaled";
  const std::string before = step.before == 0 ? "none" : Servers(step.before);
  plan.events.push_back(
      {"Normal", reason, Servers(step.replicas) + " instead of " + before + ": " + step.why});
}

}  // namespace penstock::plan
