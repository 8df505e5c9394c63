#include "operator/controllers/router_controller.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_routing.h"
#include "operator/plan/router/router_objects.h"
#include "operator/plan/router/router_plan.h"
#include "operator/routers/http_ask.h"

namespace penstock::controllers {
namespace {

// Routers take the operator for silent after 30 s.
constexpr Milliseconds kAskEach{10'000};
constexpr Milliseconds kTogether{200};       // a rollout of routers tells much at once
constexpr std::chrono::seconds kListen{20};  // at a time
constexpr const char* kReadingRouters = "reading the routers' objects";

const kube::ResourceType& TypeOf(plan::RouterObject kind) {
  switch (kind) {
    case plan::RouterObject::kServiceAccount:
      return kube::kServiceAccounts;
    case plan::RouterObject::kRole:
      return kube::kRoles;
    case plan::RouterObject::kRoleBinding:
      return kube::kRoleBindings;
    case plan::RouterObject::kDisruptionBudget:
      return kube::kDisruptionBudgets;
    case plan::RouterObject::kDeployment:
      break;
  }
  return kube::kDeployments;
}

std::string ObjectOf(const plan::RouterAction& action) {
  const auto kind = std::visit([](const auto& a) { return a.kind; }, action);
  return std::string(plan::KindOf(kind)) + " " + plan::kRouterName;
}

bool SameRefusals(const std::vector<plan::Refusal>& a, const std::vector<plan::Refusal>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.object == y.object && x.why.message == y.why.message;
  });
}

}  // namespace

RouterController::RouterController(const Context& context, routers::Observer::Ask ask, Wake wake,
                                   WakeModel wake_model)
    : context_(context),
      wake_(std::move(wake)),
      wake_model_(std::move(wake_model)),
      observer_(
          pods_, context.clock, context.submit_io,
          ask ? ask
              : [&context](
                    const routers::RouterPod&
                        pod) { return routers::AskRouter(pod, context.clock, context.stop); },
          [this](const std::string& key) {
            if (!key.empty()) wake_model_(key);
          }),
      refusals_(context.clock),
      listener_(
          pods_,
          [&context, ask](const routers::RouterPod& pod, const std::stop_token& stop) {
            return ask ? ask(pod) : routers::AskRouter(pod, context.clock, stop, kListen);
          },
          [this](const std::string& ns, const std::string& name) { OnHeld(ns, name); }) {}

// The answers that are known were given before it was held.
void RouterController::OnHeld(const std::string& ns, const std::string& name) {
  observer_.Expire(ns);
  wake_model_(ObjectKey{ns, name}.Text());
}

void RouterController::AddTo(Watches& watches) {
  // By name: the operator's role knows no other of these kinds.
  for (const plan::RouterObject kind : plan::kRouterObjects)
    watches.Add(
        TypeOf(kind), "", [this](const kube::Change& change) { OnObject(change); }, "",
        plan::kRouterName);
  watches.Add(kube::kPods, std::string(plan::kLabelRouter) + "=true",
              [this](const kube::Change& change) { OnPod(change); });
}

void RouterController::OnObject(const kube::Change& change) {
  {
    const std::lock_guard lock(mutex_);
    memories_[change.key.ns].dirty = true;
  }
  wake_(change.key.ns, kTogether);
}

void RouterController::OnPod(const kube::Change& change) {
  if (!pods_.Note(change)) return;
  listener_.OnPods(change.key.ns);
  WakeModels(change.key.ns);
}

void RouterController::OnModelDeployment(const std::string& ns) { wake_(ns, kTogether); }

void RouterController::Resync() {
  std::vector<std::string> all;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [ns, memory] : memories_) {
      memory.dirty = memory.needed || memory.stands;
      if (memory.dirty) all.push_back(ns);
    }
  }
  for (const std::string& ns : all) wake_(ns, Milliseconds{0});
}

std::vector<plan::Refusal> RouterController::Refused(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = memories_.find(ns);
  return found == memories_.end() ? std::vector<plan::Refusal>() : found->second.refused;
}

void RouterController::WakeModels(const std::string& ns) const {
  for (const auto& md : context_.snapshots.model_deployments.List(ns))
    if (plan::GoesThroughRouters(*md)) wake_model_(ObjectKey{ns, md->meta.name}.Text());
}

void RouterController::WakeHeld(const std::string& ns, const routers::RouterAnswer& answer) const {
  for (const auto& md : context_.snapshots.model_deployments.List(ns)) {
    // Of a spec with errors it is not known whether the number is left to the routers.
    if ((!md->spec.autoscaling && md->errors.empty()) || md->status.replicas != 0) continue;
    if (answer.said != nullptr) {
      const auto said = answer.said->deployments.find(md->meta.name);
      if (said == answer.said->deployments.end() || said->second.held == 0) continue;
    }
    wake_model_(ObjectKey{ns, md->meta.name}.Text());
  }
}

plan::RoutersObserved RouterController::Ask(const std::string& ns) const {
  plan::RoutersObserved observed;
  observed.ns = ns;
  auto& secrets = observed.image_pull_secrets;
  for (const auto& md : context_.snapshots.model_deployments.List(ns)) {
    if (md->meta.deleted || !plan::GoesThroughRouters(*md)) continue;
    observed.needed = true;
    secrets.insert(secrets.end(), md->spec.image_pull_secrets.begin(),
                   md->spec.image_pull_secrets.end());
    const api::ExposeSpec& expose = md->spec.expose;
    if (expose.tls) observed.tls_secrets.insert(expose.tls->secret_name);
    if (!expose.jwt) continue;
    const api::KeySetSource& keys = expose.jwt->jwks;
    if (!keys.config_map.empty()) observed.key_maps.emplace(keys.config_map, keys.config_map_key);
    if (!keys.ca_config_map.empty())
      observed.key_maps.emplace(keys.ca_config_map, keys.ca_config_map_key);
    observed.fetches_keys |= !keys.uri.empty();
  }
  std::sort(secrets.begin(), secrets.end());
  secrets.erase(std::unique(secrets.begin(), secrets.end()), secrets.end());
  return observed;
}

bool RouterController::MustLook(plan::RoutersObserved& observed) {
  const auto now = context_.clock.Steady();
  const std::lock_guard lock(mutex_);
  Memory& memory = memories_[observed.ns];
  const bool other = memory.needed != observed.needed ||
                     memory.image_pull_secrets != observed.image_pull_secrets ||
                     memory.tls_secrets != observed.tls_secrets ||
                     memory.key_maps != observed.key_maps ||
                     memory.fetches_keys != observed.fetches_keys;
  memory.needed = observed.needed;
  memory.image_pull_secrets = observed.image_pull_secrets;
  memory.tls_secrets = observed.tls_secrets;
  memory.key_maps = observed.key_maps;
  memory.fetches_keys = observed.fetches_keys;
  if (observed.needed) {
    memory.unneeded_since.reset();
  } else {
    if (!memory.unneeded_since) memory.unneeded_since = now;
    observed.unneeded_for = std::chrono::duration_cast<Milliseconds>(now - *memory.unneeded_since);
  }
  // What waits, or was refused, is looked at again, too.
  const bool goes = !observed.needed && memory.stands;
  return std::exchange(memory.dirty, false) || other || goes || !memory.refused.empty();
}

Result<void> RouterController::Observe(plan::RoutersObserved& observed) const {
  for (const plan::RouterObject kind : plan::kRouterObjects) {
    auto found =
        context_.client.Get(TypeOf(kind), observed.ns, plan::kRouterName, {.stop = context_.stop});
    if (found) {
      observed.objects[kind] = plan::DecodeRouterObject(*found);
    } else if (found.error().kind != ErrorKind::kNotFound) {
      return found.error();
    }
  }
  return {};
}

Result<void> RouterController::Carry(const plan::RoutersObserved& observed,
                                     const plan::RouterAction& action) const {
  const kube::Call call{.stop = context_.stop};
  if (const auto* gone = std::get_if<plan::DeleteRouterObject>(&action)) {
    kube::DeleteOptions options;
    options.uid = gone->uid;
    auto done =
        context_.client.Delete(TypeOf(gone->kind), observed.ns, plan::kRouterName, options, call);
    if (!done && done.error().kind == ErrorKind::kNotFound) return {};
    return done;
  }
  const auto& apply = std::get<plan::ApplyRouterObject>(action);
  const auto there = observed.objects.find(apply.kind);
  // Server-side apply would take over whatever stands under the name.
  if (there != observed.objects.end() && !there->second.ours)
    return Error{ErrorKind::kAlreadyExists, "it exists in namespace " + observed.ns +
                                                " and is not Penstock's; delete or rename it"};
  if (context_.settings.router_image.empty())
    return Error{ErrorKind::kInvalid, "this operator was started without --router-image"};
  auto done = context_.client.Apply(TypeOf(apply.kind), observed.ns, plan::kRouterName,
                                    apply.object, {}, call);
  if (!done) return done.error();
  return {};
}

RefusalReport RouterController::Act(const plan::RoutersObserved& observed,
                                    const std::vector<plan::RouterAction>& actions) {
  RefusalReport report;
  for (const plan::RouterAction& action : actions) {
    const std::string object = ObjectOf(action);
    if (refusals_.Waits(observed.ns, object, 0, report)) continue;
    if (auto done = Carry(observed, action); done) {
      refusals_.Forget(observed.ns, object);
    } else {
      refusals_.Note(observed.ns, object, 0, done.error(), report);
    }
  }
  if (report.refusals.empty()) refusals_.Forget(observed.ns);
  return report;
}

Outcome RouterController::Settle(const std::string& ns, RefusalReport report,
                                 std::optional<Milliseconds> requeue) {
  bool other = false;
  {
    const std::lock_guard lock(mutex_);
    Memory& memory = memories_[ns];
    other = !SameRefusals(memory.refused, report.refusals);
    memory.refused = std::move(report.refusals);
    if (report.news) memory.dirty = true;
  }
  if (other) WakeModels(ns);
  if (report.news) return *report.news;
  return Sooner(requeue, report.next);
}

Outcome RouterController::Reconcile(const std::string& ns) {
  plan::RoutersObserved observed = Ask(ns);
  std::optional<Milliseconds> requeue;
  if (observed.needed) {
    requeue = kAskEach;
    // What they hold is also told by the listener, which has its bound, and never that one is
    // silent. The last round is old by now; nobody waits for the next.
    const auto answers = observer_.Look(ns, "", 2 * kAskEach);
    for (const auto& answer : answers.value_or(std::vector<routers::RouterAnswer>()))
      WakeHeld(ns, answer);
    (void)observer_.Look(ns, "", kAskEach - Milliseconds(500));
  }
  if (!MustLook(observed)) return requeue;
  if (auto seen = Observe(observed); !seen) {
    RefusalReport report;
    refusals_.Note(ns, kReadingRouters, 0, seen.error(), report);
    if (report.refusals.empty()) report.news = seen.error();
    return Settle(ns, std::move(report), requeue);
  }
  refusals_.Forget(ns, kReadingRouters);
  plan::RouterSettings settings;
  settings.image = context_.settings.router_image;
  settings.run_as_user = context_.settings.pods.run_as_user;
  settings.source_deny = context_.settings.source_deny;
  settings.source_allow = context_.settings.source_allow;
  const plan::RouterPlan plan = plan::PlanRouters(observed, settings);
  RefusalReport report = Act(observed, plan.actions);
  {
    const std::lock_guard lock(mutex_);
    memories_[ns].stands = !observed.objects.empty();
  }
  if (!observed.needed && observed.objects.empty()) observer_.Forget(ns);
  return Settle(ns, std::move(report), Sooner(requeue, plan.requeue_after));
}

}  // namespace penstock::controllers
