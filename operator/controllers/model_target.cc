#include "operator/controllers/model_target.h"

#include <utility>

#include "operator/base/json.h"
#include "operator/controllers/model_deployment_controller.h"
#include "operator/kube/resources.h"
#include "operator/protocol/model_source.h"
#include "operator/protocol/reference.h"
#include "operator/sources/code_artifact.h"

namespace penstock::controllers {
namespace {

constexpr Milliseconds kLongestLookPause{30'000};  // between looks for a digest

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

// Of a version that is the image of its server.
void FindImage(const api::ModelDeploymentSpec& spec, plan::ModelObserved& observed) {
  const std::string image = spec.server.container ? spec.server.container->container.image : "";
  const std::string digest = DigestOfImage(image);
  if (digest.empty())
    observed.target_problem = "server.container.image is not named by digest, which is the version";
  else
    observed.target = plan::ModelRef(digest, true, 0, SourceOfImage(image));
}

}  // namespace

bool FollowsRegistered(const std::string& model, const std::string& name) {
  const auto reference = api::ParseRegisteredReference(model);
  return reference && reference->model == name;
}

Result<void> FindRegistered(const Context& context, const api::RegisteredReference& reference,
                            plan::ModelObserved& observed) {
  const std::string& ns = observed.md.meta.namespace_;
  const kube::Call call{.stop = context.stop};
  std::int64_t version = reference.version;
  if (version == 0) {
    const auto object = context.client.Get(kube::kModels, ns, reference.model, call);
    if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
    const auto found =
        object ? api::DecodeRegisteredModel(*object).value.spec.VersionOf(reference.alias)
               : std::nullopt;
    if (!found) {
      observed.target_problem =
          object ? "the Model " + reference.model + " has no alias " + reference.alias +
                       ": `penstock model alias " + reference.model + " " + reference.alias +
                       " <version>` sets it"
                 : "there is no Model " + reference.model + " in namespace " + ns;
      return {};
    }
    version = *found;
  }
  const std::string name = api::VersionObjectName(reference.model, version);
  const auto object = context.client.Get(kube::kModelVersions, ns, name, call);
  if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
  if (!object) {
    observed.target_problem = "there is no ModelVersion " + name + " in namespace " + ns;
    return {};
  }
  const auto decoded = api::DecodeRegisteredVersion(*object);
  const auto& spec = decoded.value.spec;
  if (!decoded.errors.empty()) {
    observed.target_problem = "ModelVersion " + name + ": " + api::Describe(decoded.errors);
    return {};
  }
  observed.target = plan::ModelRef(spec.digest, spec.folder, spec.bytes, spec.source);
  observed.target_run = spec.run;
  return {};
}

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
        observed.look_again = NoteMiss(key, digest);
        digests_.erase(known);  // it may be uploaded by the next look
      }
      return true;
    }
    std::set<std::string>& waiting = asked_[id];
    const bool under_way = !waiting.empty();
    waiting.insert(key);
    if (under_way) return false;
  }
  context_.submit_io(ns, [this, ns, digest] { FetchDigest(ns, digest); });
  return false;
}

// For all that wait for it, once; they are woken also when it throws, which the pool tells.
void ModelDeploymentController::FetchDigest(const std::string& ns, const std::string& digest) {
  const std::string id = ns + "/" + digest;
  std::optional<Result<ArtifactRef>> found;
  struct End {
    ModelDeploymentController& controller;
    const std::string& id;
    std::optional<Result<ArtifactRef>>& found;
    ~End() {
      std::set<std::string> keys;
      {
        const std::lock_guard lock(controller.mutex_);
        if (found) controller.digests_.insert_or_assign(id, *std::move(found));
        keys.swap(controller.asked_[id]);
        controller.asked_.erase(id);
      }
      for (const std::string& key : keys)
        controller.wake_(key,
                         found ? Milliseconds{0} : controller.context_.settings.retry_fact_after);
    }
  } end{*this, id, found};
  found = sources::FindCode(context_.store, ns, digest);
}

// Under the mutex.
Milliseconds ModelDeploymentController::NoteMiss(const std::string& key,
                                                 const std::string& digest) {
  Memory& memory = memories_[key];
  if (memory.digest != digest) memory.misses = 0;
  memory.digest = digest;
  memory.misses = std::min(memory.misses + 1, 1'000);
  return PauseAfter(memory.misses, kLongestLookPause);
}

bool ModelDeploymentController::FindTarget(const std::string& key, plan::ModelObserved& observed) {
  const api::ModelDeployment& md = observed.md;
  if (IsModelUri(md.spec.model)) {
    if (const auto source = ParseModelSource(md.spec.model))
      observed.target = plan::ModelRef(source->digest, true, 0, md.spec.model);
    else
      observed.target_problem = source.error().message;
    return true;
  }
  if (md.spec.model == api::kModelOfImage) {
    FindImage(md.spec, observed);
    return true;
  }
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

}  // namespace penstock::controllers
