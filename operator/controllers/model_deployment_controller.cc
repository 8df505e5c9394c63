#include "operator/controllers/model_deployment_controller.h"

#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/model/model_deployment_plan.h"
#include "operator/protocol/reference.h"
#include "operator/sources/code_artifact.h"

namespace penstock::controllers {
namespace {

// {"pipelines", p, "outputs", o}, or nullopt.
std::optional<Reference> FollowedOutput(const std::string& model) {
  auto parsed = ParseTemplate(model);
  if (!parsed || parsed->Whole() == nullptr) return std::nullopt;
  const Reference& reference = *parsed->Whole();
  if (reference.path.size() != 4 || !reference.Is({"pipelines", "*", "outputs", "*"})) {
    return std::nullopt;
  }
  return reference;
}

// Ready endpoints by the name of the pod behind them.
std::vector<std::string> ReadyPods(const std::vector<Json>& slices) {
  std::vector<std::string> pods;
  for (const Json& slice : slices) {
    const auto endpoints = slice.find("endpoints");
    if (endpoints == slice.end() || !endpoints->is_array()) continue;
    for (const Json& endpoint : *endpoints) {
      static const Json::json_pointer kReady("/conditions/ready"), kPod("/targetRef/name");
      if (!endpoint.value(kReady, true)) continue;
      if (const std::string pod = endpoint.value(kPod, std::string()); !pod.empty()) {
        pods.push_back(pod);
      }
    }
  }
  return pods;
}

}  // namespace

std::string FollowedPipeline(const std::string& model) {
  const auto reference = FollowedOutput(model);
  return reference ? reference->path[1] : std::string();
}

bool ModelDeploymentController::FindDigest(const std::string& key, const std::string& digest,
                                           plan::ModelObserved& observed) {
  const std::string& ns = observed.md.meta.namespace_;
  const std::string id = ns + "/" + digest;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = digests_.find(id); known != digests_.end()) {
      if (known->second) {
        observed.target = *known->second;
      } else {
        observed.target_problem = known->second.error().message;
        digests_.erase(known);  // it may be uploaded by the next look
      }
      return true;
    }
  }
  context_.submit_io([this, key, ns, digest, id] {
    auto found = sources::FindCode(context_.store, ns, digest);
    {
      const std::lock_guard lock(mutex_);
      digests_.insert_or_assign(id, std::move(found));
    }
    wake_(key);
  });
  return false;
}

bool ModelDeploymentController::FindTarget(const std::string& key, plan::ModelObserved& observed) {
  const api::ModelDeployment& md = observed.md;
  const auto reference = FollowedOutput(md.spec.model);
  if (!reference) return FindDigest(key, md.spec.model, observed);
  const std::string& name = reference->path[1];
  const std::string& output = reference->path[3];
  const auto pipeline = context_.snapshots.pipelines.Get({md.meta.namespace_, name});
  if (pipeline == nullptr) {
    observed.target_problem = "there is no Pipeline " + name + " in namespace " +
                              md.meta.namespace_ + " whose output could be served";
    return true;
  }
  for (const api::PublishedOutput& published : pipeline->status.outputs) {
    if (published.name != output) continue;
    observed.target = ArtifactRef{published.digest, published.folder, published.bytes};
    observed.target_run = published.run;
    return true;
  }
  observed.target_problem =
      pipeline->spec.outputs.contains(output)
          ? "the Pipeline " + name + " has not published its output " + output + " yet"
          : "the Pipeline " + name + " has no output " + output + " under spec.outputs";
  return true;
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
  return ObserveService(observed);
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
  kube::ListOptions of_service;
  of_service.label_selector = "kubernetes.io/service-name=" + meta.name;
  auto slices = context_.client.List(kube::kEndpointSlices, meta.namespace_, of_service, call);
  if (!slices) return slices.error();
  std::map<std::string, std::int64_t> versions;
  for (const auto& pod : observed.pods) versions[pod.name] = pod.version;
  for (const std::string& pod : ReadyPods(slices->items)) {
    if (const auto version = versions.find(pod); version != versions.end()) {
      ++observed.endpoints[version->second];
    }
  }
  return {};
}

Outcome ModelDeploymentController::Reconcile(const std::string& key) {
  const Deployment md = context_.snapshots.model_deployments.Get(ParseKey(key));
  if (md == nullptr || md->meta.deleted) return std::optional<Milliseconds>();
  plan::ModelObserved observed;
  observed.md = *md;
  observed.spec_errors = md->errors;
  if (md->errors.empty() && !FindTarget(key, observed)) return std::optional<Milliseconds>();
  if (auto seen = Observe(observed); !seen) return seen.error();
  const plan::PodSettings& pods = context_.settings.pods;
  const plan::ModelSettings settings{
      context_.settings.serve_image, pods.launcher_image, pods.launcher_path, pods.store,
      pods.token_audience,           pods.run_as_user};
  const auto plan = plan::PlanModelDeployment(observed, settings, context_.clock.Now());
  std::optional<Error> failed;
  for (const plan::ModelAction& action : plan.actions) {
    auto done = Act(observed, action);
    if (!done && !failed) failed = done.error();
  }
  auto written =
      WriteChangedStatus(context_, kube::kModelDeployments, *md, plan, api::DecodeModelDeployment,
                         context_.snapshots.model_deployments);
  if (!written) return written.error();
  if (failed) return *failed;
  return plan.requeue_after;
}

// Server-side apply would take over whatever stands under the name.
Result<void> ModelDeploymentController::CheckNameIsFree(const std::string& ns,
                                                        const std::string& name,
                                                        const std::string& md_uid) const {
  auto found = context_.client.Get(kube::kDeployments, ns, name, {.stop = context_.stop});
  if (!found) {
    if (found.error().kind == ErrorKind::kNotFound) return {};
    return found.error();
  }
  if (IsOwnedBy(*found, md_uid)) return {};
  return Invalid("a Deployment " + name + " exists in namespace " + ns +
                 " that is not of this ModelDeployment; delete or rename it");
}

Result<void> ModelDeploymentController::Act(const plan::ModelObserved& observed,
                                            const plan::ModelAction& action) const {
  const api::ObjectMeta& meta = observed.md.meta;
  const kube::Call call{.stop = context_.stop};
  if (const auto* apply = std::get_if<plan::ApplyDeployment>(&action)) {
    bool known = false;
    for (const auto& deployment : observed.deployments) known |= deployment.name == apply->name;
    if (!known) {
      if (auto ok = CheckNameIsFree(meta.namespace_, apply->name, meta.uid); !ok) return ok;
    }
    auto done = context_.client.Apply(kube::kDeployments, meta.namespace_, apply->name,
                                      apply->deployment, {}, call);
    if (!done) return done.error();
    return {};
  }
  if (const auto* apply = std::get_if<plan::ApplyService>(&action)) {
    auto done = context_.client.Apply(kube::kServices, meta.namespace_, apply->name, apply->service,
                                      {}, call);
    if (!done) return done.error();
    return {};
  }
  const auto& gone = std::get<plan::DeleteDeployment>(action);
  kube::DeleteOptions options;
  options.uid = gone.uid;
  auto done = context_.client.Delete(kube::kDeployments, meta.namespace_, gone.name, options, call);
  if (done || done.error().kind == ErrorKind::kNotFound) return {};
  return done;
}

}  // namespace penstock::controllers
