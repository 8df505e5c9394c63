#include "operator/plan/model/model_routing.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_trouble.h"
#include "operator/plan/model/uses_router.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kAwayFromRouters{5'000};  // without one that is Ready
constexpr Milliseconds kLeavingRouters{30'000};  // until kube-proxy has told it everywhere
constexpr Milliseconds kLookAtRouters{1'000};
constexpr Milliseconds kLookAtGuard{30'000};
constexpr Milliseconds kLookAtTrouble{3'000};

std::optional<unsigned long long> NumberOf(const std::string& version) {
  unsigned long long number = 0;
  const auto r = std::from_chars(version.data(), version.data() + version.size(), number);
  if (r.ec != std::errc() || r.ptr != version.data() + version.size()) return std::nullopt;
  return number;
}

bool KnowsServers(const RouterFact& router, std::int64_t version) {
  const auto found = router.endpoints.find(version);
  return found != router.endpoints.end() && found->second > 0;
}

bool IsIn(const std::vector<api::TrafficStatus>& traffic, std::int64_t version) {
  return std::any_of(traffic.begin(), traffic.end(),
                     [&](const auto& t) { return t.version == version; });
}

// Where routers listen for it.
bool HasItsPorts(const api::ModelDeployment& md) {
  return md.status.router.port != 0 && (!SpeaksGrpc(md.spec) || md.status.router.grpc_port != 0);
}

// All of them: the Service sends to each that is Ready.
bool RoutersAreReadyFor(const ModelObserved& o, std::int64_t stable) {
  if (o.ready_routers == 0 || o.md.status.traffic.empty() || !HasItsPorts(o.md)) return false;
  const auto good = std::count_if(o.routers.begin(), o.routers.end(), [&](const RouterFact& r) {
    return r.ready && Acknowledges(r, o.md.meta.resource_version) && KnowsServers(r, stable) &&
           (r.speaks_grpc || !SpeaksGrpc(o.md.spec));
  });
  return good == o.ready_routers;
}

bool HasEndpoints(const ModelObserved& o, std::int64_t version) {
  const auto found = o.endpoints.find(version);
  return found != o.endpoints.end() && found->second > 0;
}

bool LeadsGrpcRight(const ModelObserved& o, bool to_routers) {
  if (!SpeaksGrpc(o.md.spec)) return o.service->grpc_target.empty();
  const Json target = GrpcTarget(o.md, to_routers);
  return o.service->grpc_target == (target.is_string() ? target.get<std::string>() : target.dump());
}

void WakeIn(Milliseconds wait, ModelPlan& plan) {
  plan.requeue_after = std::min(plan.requeue_after.value_or(wait), wait);
}

void PutPort(const ModelObserved& o, ModelPlan& plan) {
  if (!UsesRouter(o.md.spec)) return;
  api::RouterStatus& router = plan.status.router;
  if (o.router_port) router.port = *o.router_port;
  if (!SpeaksGrpc(o.md.spec)) router.grpc_port = 0;
  if (SpeaksGrpc(o.md.spec) && o.router_grpc_port) router.grpc_port = *o.router_grpc_port;
}

void PutVersionServices(const ModelObserved& o, bool wanted, ModelPlan& plan) {
  std::set<std::int64_t> versions;
  if (wanted)
    for (const DeploymentFact& d : o.deployments)
      if (!d.deleting) versions.insert(d.version);
  for (const std::int64_t version : versions)
    if (!o.version_services.contains(version) ||
        (SpeaksGrpc(o.md.spec) && o.plain_version_services.contains(version)))
      plan.actions.emplace_back(
          ApplyService{VersionName(o.md.meta.name, version), BuildVersionService(o.md, version)});
  for (const auto& [version, uid] : o.version_services)
    if (!versions.contains(version))
      plan.actions.emplace_back(DeleteService{VersionName(o.md.meta.name, version), uid});
}

// Nobody comes by routers any more: they need no instruction.
void ForgetTraffic(const ModelObserved& o, ModelPlan& plan) {
  if (UsesRouter(o.md.spec) || plan.status.traffic.empty()) return;
  if (o.service && o.service->to_routers) return;
  if (o.service_for < kLeavingRouters) return WakeIn(kLeavingRouters - o.service_for, plan);
  plan.status.traffic.clear();
}

}  // namespace

bool GoesThroughRouters(const api::ModelDeployment& md) {
  return UsesRouter(md.spec) || !md.status.traffic.empty();
}

bool Acknowledges(const RouterFact& router, const std::string& resource_version) {
  const auto said = NumberOf(router.acknowledged);
  const auto asked = NumberOf(resource_version);
  if (said && asked) return *said >= *asked;
  return !router.acknowledged.empty() && router.acknowledged == resource_version;
}

bool PointsToRouters(const ModelObserved& o, std::int64_t stable) {
  if (IsGuarded(o.md.spec)) return true;
  const bool there = o.service && o.service->to_routers;
  if (!there) return UsesRouter(o.md.spec) && RoutersAreReadyFor(o, stable);
  if (!HasEndpoints(o, stable)) return true;  // it could go nowhere better
  if (!UsesRouter(o.md.spec)) return false;
  return o.ready_routers > 0 || o.no_router_for < kAwayFromRouters;
}

bool RoutersHaveLeft(const ModelObserved& o, std::int64_t version) {
  if (IsIn(o.md.status.traffic, version) || o.ready_routers == 0) return false;
  const auto left = std::count_if(o.routers.begin(), o.routers.end(), [&](const RouterFact& r) {
    return r.ready && Acknowledges(r, o.md.meta.resource_version);
  });
  return left == o.ready_routers;
}

std::optional<ModelAction> MoveService(const ModelObserved& o, std::int64_t stable) {
  const bool to_routers = PointsToRouters(o, stable);
  // The port is on its way; pods that are guarded are open until then, were they led to.
  const bool open = IsGuarded(o.md.spec) && o.service && !o.service->to_routers;
  if (to_routers && !HasItsPorts(o.md) && !open) return std::nullopt;
  // A Service of an earlier release leads to the port's number, which is right for our server.
  const bool leads = o.service && (to_routers || o.service->by_name ||
                                   (!o.md.spec.server.container && !o.md.spec.transformer));
  const bool right = leads && LeadsGrpcRight(o, to_routers) && o.service->labelled &&
                     o.service->version != 0 && o.service->to_routers == to_routers &&
                     o.service->secure == (to_routers && o.md.spec.expose.tls) &&
                     (!to_routers || o.service->target_port == o.md.status.router.port);
  if (right) return std::nullopt;
  return ApplyService{o.md.meta.name, BuildService(o.md, stable, to_routers)};
}

void PutRouting(const ModelObserved& o, ModelPlan& plan) {
  PutPort(o, plan);
  ForgetTraffic(o, plan);
  const bool wanted = UsesRouter(o.md.spec) || !plan.status.traffic.empty();
  PutVersionServices(o, wanted, plan);
  const bool moves = UsesRouter(o.md.spec) != (o.service && o.service->to_routers);
  const bool alone = wanted && o.ready_routers == 0;
  if (wanted && (moves || alone)) WakeIn(kLookAtRouters, plan);
  // Nothing tells of a certificate that has expired, or was renewed by one that cannot be used.
  if (IsGuarded(o.md.spec))
    WakeIn(TroubleOfGuard(o).reason.empty() ? kLookAtGuard : kLookAtTrouble, plan);
}

}  // namespace penstock::plan
