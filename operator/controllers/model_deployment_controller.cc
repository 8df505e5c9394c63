#include "operator/controllers/model_deployment_controller.h"

#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/model_actions.h"
#include "operator/controllers/model_target.h"
#include "operator/controllers/run_family.h"
#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_deployment_plan.h"
#include "operator/plan/model/model_routing.h"
#include "operator/plan/model/uses_router.h"
#include "operator/routers/companions.h"

namespace penstock::controllers {
namespace {

constexpr Milliseconds kOldestAnswer{1'900};  // of a router
constexpr const char* kReading = "reading what it made";

}  // namespace

void ModelDeploymentController::Forget(const std::string& key) {
  refusals_.Forget(key);
  unread_.Forget(key);
  probes_.Forget(key);
  reports_.Forget(key);
  const ObjectKey object = ParseKey(key);
  ports_.Forget(object.ns, object.name);
  routers_.Listen(object, false);
  const std::lock_guard lock(mutex_);
  memories_.erase(key);
}

Result<void> ModelDeploymentController::Observe(plan::ModelObserved& observed) const {
  const api::ObjectMeta& meta = observed.md.meta;
  const kube::Call call{.stop = context_.stop};
  kube::ListOptions of_this;
  of_this.label_selector = std::string(plan::kLabelModelDeployment) + "=" + meta.name;
  auto deployments = context_.client.List(kube::kDeployments, meta.namespace_, of_this, call);
  if (!deployments) return deployments.error();
  for (const Json& object : deployments->items) {
    if (auto fact = plan::DecodeDeployment(object, meta.uid)) {
      observed.deployments.push_back(std::move(*fact));
    }
  }
  auto pods = context_.client.List(kube::kPods, meta.namespace_, of_this, call);
  if (!pods) return pods.error();
  for (const Json& object : pods->items) {
    if (auto fact = plan::DecodeServingPod(object)) observed.pods.push_back(std::move(*fact));
  }
  auto store =
      context_.client.Get(kube::kConfigMaps, meta.namespace_, plan::StoreName(meta.name), call);
  if (store) {
    observed.store = plan::DecodeStore(*store, meta.uid);
  } else if (store.error().kind != ErrorKind::kNotFound) {
    return store.error();
  }
  if (auto done = ObserveVersionServices(observed); !done) return done;
  return ObserveService(observed);
}

Result<void> ModelDeploymentController::ObserveCompanions(const std::string& key,
                                                          plan::ModelObserved& observed) {
  const std::int64_t generation = observed.md.meta.generation;
  for (const plan::Companion kind : plan::kCompanions) {
    const std::string what = std::string("the list of ") + plan::KindOf(kind) + "s";
    RefusalReport report;
    if (!unread_.Waits(key, what, generation, report)) {
      const auto seen = routers::ObserveCompanion(kind, context_.client, context_.stop, observed);
      if (seen) unread_.Forget(key, what);
      if (!seen) unread_.Note(key, what, generation, seen.error(), report);
    }
    if (report.news && report.refusals.empty()) return *report.news;
    if (report.news) context_.warn(key + ": " + report.news->message + "; it is tried again");
    if (!report.refusals.empty()) observed.unread[kind] = report.refusals.front().why.message;
    observed.look_again = Sooner(observed.look_again, report.next);
  }
  const std::lock_guard lock(mutex_);
  const auto& applied = memories_[key].applied;
  for (auto& [kind, fact] : observed.companions) {
    const auto known = applied.find(kind);
    fact.edited = fact.generation != 0 &&
                  (known == applied.end() || known->second != Applied{fact.uid, fact.generation});
  }
  return {};
}

void ModelDeploymentController::NoteApplied(const std::string& key, const plan::ModelAction& action,
                                            const Json& object) {
  const auto* apply = std::get_if<plan::ApplyCompanion>(&action);
  if (apply == nullptr) return;
  const api::ObjectMeta meta = api::DecodeMeta(object);
  const std::lock_guard lock(mutex_);
  memories_[key].applied[apply->kind] = {meta.uid, meta.generation};
}

Result<void> ModelDeploymentController::ObserveService(plan::ModelObserved& observed) const {
  const api::ObjectMeta& meta = observed.md.meta;
  const kube::Call call{.stop = context_.stop};
  auto service = context_.client.Get(kube::kServices, meta.namespace_, meta.name, call);
  if (!service) {
    if (service.error().kind == ErrorKind::kNotFound) return {};
    return service.error();
  }
  observed.service = plan::DecodeService(*service, meta.uid);
  observed.foreign_service = !observed.service.has_value();
  kube::ListOptions list;
  // Behind the routers are the Services of the versions.
  list.label_selector = observed.service && observed.service->to_routers
                            ? std::string(plan::kLabelModelDeployment) + "=" + meta.name + "," +
                                  plan::kLabelModelVersion
                            : "kubernetes.io/service-name=" + meta.name;
  auto slices = context_.client.List(kube::kEndpointSlices, meta.namespace_, list, call);
  if (!slices) return slices.error();
  observed.endpoints = plan::CountEndpoints(slices->items, observed.pods);
  return {};
}

Result<void> ModelDeploymentController::ObserveVersionServices(
    plan::ModelObserved& observed) const {
  const api::ObjectMeta& meta = observed.md.meta;
  if (!plan::GoesThroughRouters(observed.md) && observed.md.status.router.port == 0) return {};
  kube::ListOptions list;
  list.label_selector =
      std::string(plan::kLabelModelDeployment) + "=" + meta.name + "," + plan::kLabelModelVersion;
  auto services =
      context_.client.List(kube::kServices, meta.namespace_, list, {.stop = context_.stop});
  if (!services) return services.error();
  for (const Json& service : services->items)
    if (const auto version = plan::DecodeVersionService(service, meta.uid); version > 0) {
      observed.version_services[version] = kube::UidOf(service);
      if (!plan::HasGrpcPort(service)) observed.plain_version_services.insert(version);
    }
  return {};
}

bool ModelDeploymentController::ObserveRouters(const std::string& key,
                                               plan::ModelObserved& observed,
                                               RefusalReport& report) {
  const std::string& ns = observed.md.meta.namespace_;
  if (!plan::GoesThroughRouters(observed.md)) return true;
  const auto answers = routers_.Look(ns, key, kOldestAnswer);
  if (!answers) return false;
  observed.ready_routers = static_cast<int>(answers->size());
  observed.routers = routers::FactsOf(*answers, observed.md.meta.name);
  observed.routers_not_asked = routers_.NotAsked(ns);
  const auto all = context_.snapshots.model_deployments.List(ns);
  const auto take = [&](routers::Protocol protocol, const char* what, std::optional<int>* given) {
    auto port = ports_.Take(observed.md, all, protocol);
    if (port) {
      *given = *port;
    } else {
      report.refusals.push_back({what, port.error()});
    }
  };
  take(routers::Protocol::kHttp, "the port of the routers", &observed.router_port);
  if (plan::SpeaksGrpc(observed.md.spec))
    take(routers::Protocol::kGrpc, "the port of the routers for gRPC", &observed.router_grpc_port);
  for (plan::Refusal& refusal : routers_.Refused(ns)) report.refusals.push_back(std::move(refusal));
  const auto now = context_.clock.Steady();
  const std::lock_guard lock(mutex_);
  auto& since = memories_[key].no_router_since;
  if (observed.ready_routers > 0) {
    since.reset();
  } else if (!since) {
    since = now;
  }
  observed.no_router_for = std::chrono::duration_cast<Milliseconds>(now - since.value_or(now));
  return true;
}

void ModelDeploymentController::NoteService(const std::string& key, plan::ModelObserved& observed) {
  const std::int64_t version = observed.service ? observed.service->version : 0;
  const bool to_routers = observed.service && observed.service->to_routers;
  const auto now = context_.clock.Steady();
  const std::lock_guard lock(mutex_);
  Memory& memory = memories_[key];
  if (memory.service_version != version || memory.service_to_routers != to_routers)
    memory.service_since = now;
  memory.service_version = version;
  memory.service_to_routers = to_routers;
  observed.service_for = std::chrono::duration_cast<Milliseconds>(now - memory.service_since);
}

Result<std::string> ModelDeploymentController::ReadRows(const std::string& ns,
                                                        const api::RowsGate& rows) const {
  const std::string key = rows.key.empty() ? api::kRowsKey : rows.key;
  const std::string of = "ConfigMap " + rows.config_map;
  const auto map =
      context_.client.Get(kube::kConfigMaps, ns, rows.config_map, {.stop = context_.stop});
  if (!map) return Wrap(of, map.error());
  const Json data = map->value("data", Json::object());
  const auto found = data.is_object() ? data.find(key) : data.end();
  if (!data.is_object() || found == data.end() || !found->is_string())
    return Invalid(of + " has no " + key + " in its data: recorded rows, a line each");
  return found->get<std::string>();
}

void ModelDeploymentController::RecallEvidence(const std::string& key,
                                               plan::ModelObserved& observed) {
  observed.measurements = probes_.Take(key);
  const std::lock_guard lock(mutex_);
  observed.evidence = memories_[key].evidence;
  observed.load = memories_[key].load;
  observed.clock =
      std::chrono::duration_cast<Milliseconds>(context_.clock.Steady().time_since_epoch());
}

// Whatever becomes of the plan: what was counted was counted.
void ModelDeploymentController::KeepEvidence(const std::string& key, const plan::ModelPlan& plan) {
  {
    const std::lock_guard lock(mutex_);
    memories_[key].evidence = plan.evidence;
    memories_[key].load = plan.load;
  }
  routers_.Listen(ParseKey(key), plan.listens);
  for (const plan::GateQuestion& question : plan.questions)
    probes_.Ask(ParseKey(key).ns, key, question.gate, question.servers, question.version,
                question.mark);
}

void ModelDeploymentController::Act(const std::string& key, const plan::ModelObserved& observed,
                                    const std::vector<plan::ModelAction>& actions,
                                    RefusalReport& report) {
  const std::int64_t generation = observed.md.meta.generation;
  const std::size_t others = report.refusals.size();  // of the routers
  for (const plan::ModelAction& action : actions) {
    const std::string object = ObjectOf(action);
    if (refusals_.Waits(key, object, generation, report)) continue;
    auto done = Carry(context_, observed, action);
    if (done) {
      refusals_.Forget(key, object);
      NoteApplied(key, action, *done);
    } else {
      refusals_.Note(key, object, generation, done.error(), report);
    }
  }
  // What is not asked for any more.
  if (report.refusals.size() == others) refusals_.Forget(key);
}

plan::ModelPlan ModelDeploymentController::Plan(const plan::ModelObserved& observed) const {
  const plan::PodSettings& pods = context_.settings.pods;
  const plan::ModelSettings settings{
      context_.settings.serve_image, pods.launcher_image, pods.launcher_path, pods.store,
      pods.token_audience,           pods.run_as_user};
  return plan::PlanModelDeployment(observed, settings, context_.clock.Now());
}

Outcome ModelDeploymentController::Tell(const Known<api::ModelDeployment>& md,
                                        plan::ModelObserved observed, plan::ModelPlan plan,
                                        RefusalReport report) {
  if (!report.refusals.empty()) {
    observed.refusals = std::move(report.refusals);
    plan = Plan(observed);
    if (report.next) plan.requeue_after = report.next;
  }
  auto written =
      WriteChangedStatus(context_, kube::kModelDeployments, md, plan, api::DecodeModelDeployment,
                         context_.snapshots.model_deployments);
  if (!written) return written.error();
  const std::string& ns = md.meta.namespace_;
  if (plan.report) reports_.Keep(ns, ObjectKey{ns, md.meta.name}.Text(), *plan.report);
  if (report.news) return *report.news;
  return plan.requeue_after;
}

Outcome ModelDeploymentController::Reconcile(const std::string& key) {
  const Deployment md = context_.snapshots.model_deployments.Get(ParseKey(key));
  if (md == nullptr || md->meta.deleted) return std::optional<Milliseconds>();
  plan::ModelObserved observed;
  observed.md = *md;
  observed.spec_errors = md->errors;
  const auto registered = api::ParseRegisteredReference(md->spec.model);
  if (md->errors.empty() && !registered && !FindTarget(key, observed))
    return std::optional<Milliseconds>();
  RefusalReport report;
  if (!ObserveRouters(key, observed, report)) return std::optional<Milliseconds>();
  auto seen = md->errors.empty() && registered ? FindRegistered(context_, *registered, observed)
                                               : Result<void>();
  if (seen) seen = Observe(observed);
  if (seen) seen = ObserveCompanions(key, observed);
  if (!seen) {
    report = {};
    refusals_.Note(key, kReading, md->meta.generation, seen.error(), report);
    if (report.refusals.empty()) return seen.error();
    observed.seen = false;
    return Tell(*md, std::move(observed), {}, std::move(report));
  }
  refusals_.Forget(key, kReading);
  NoteService(key, observed);
  RecallEvidence(key, observed);
  observed.reports = reports_.Take(key, observed.md.status.history);
  ObserveApprovals(context_, observed, [this](const std::string& k) { wake_(k, Milliseconds(0)); });
  plan::ModelPlan plan = Plan(observed);
  KeepEvidence(key, plan);
  Act(key, observed, plan.actions, report);
  return Tell(*md, std::move(observed), std::move(plan), std::move(report));
}

}  // namespace penstock::controllers
