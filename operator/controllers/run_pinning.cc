#include "operator/controllers/run_pinning.h"

#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/revision.h"
#include "operator/controllers/surroundings.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

Result<bool> RunPinning::Ensure(const Known<api::PipelineRun>& run, RunFacts& facts) {
  if (resolved_ != nullptr) return true;
  errors_.clear();
  look_again_ = false;
  if (!run.status.revision.empty()) return Read(run);
  return Resolve(run, facts);
}

bool RunPinning::Stall(const std::string& path, const std::string& message) {
  errors_.push_back({path, message});
  return true;
}

Result<bool> RunPinning::Read(const api::PipelineRun& run) {
  auto object = context_.client.Get(kube::kControllerRevisions, run.meta.namespace_,
                                    run.status.revision, {.stop = context_.stop});
  if (!object) {
    if (object.error().kind != ErrorKind::kNotFound) return object.error();
    look_again_ = true;
    return Stall("status.revision", "the ControllerRevision " + run.status.revision +
                                        " with what this run is made of was deleted; restore it or "
                                        "start a new run");
  }
  auto resolved = ReadRevision(*object);
  if (!resolved) return Stall("status.revision", resolved.error().message);
  resolved_ = std::make_shared<const plan::ResolvedRun>(std::move(*resolved));
  revision_ = run.status.revision;
  pinned_ = true;
  return true;
}

std::optional<ArtifactRef> RunPinning::CodeOf(const api::CodeSpec& code, RunFacts& facts,
                                              bool& asked) {
  if (!code.config_map && !code.git && code.artifact.empty()) return std::nullopt;
  const auto answer = facts.Code(code);
  if (!answer) {
    asked = true;
    return std::nullopt;
  }
  if (!answer->error.empty()) {
    errors_.push_back({"spec.steps.container.code", answer->error});
    look_again_ = true;
  }
  return answer->code;
}

Result<bool> RunPinning::Resolve(const Known<api::PipelineRun>& run, RunFacts& facts) {
  const std::string& ns = run.meta.namespace_;
  if (!run.errors.empty()) {
    errors_ = run.errors;
    return true;
  }
  const api::PipelineSpec* spec = nullptr;
  ObjectTable<Known<api::Pipeline>>::Snapshot pipeline;
  if (run.spec.pipeline_spec) {
    spec = &*run.spec.pipeline_spec;
  } else {
    pipeline = context_.snapshots.pipelines.Get({ns, run.spec.pipeline_ref});
    if (pipeline == nullptr) {
      // Both are often applied together, and the informer of one may be behind the other's.
      auto live =
          context_.client.Get(kube::kPipelines, ns, run.spec.pipeline_ref, {.stop = context_.stop});
      if (live) {
        pipeline = std::make_shared<const Known<api::Pipeline>>(api::DecodePipeline(*live));
      } else if (live.error().kind != ErrorKind::kNotFound) {
        return live.error();
      }
    }
    if (pipeline == nullptr) {
      return Stall("spec.pipelineRef.name", "there is no Pipeline " + run.spec.pipeline_ref +
                                                " in namespace " + ns + "; create it");
    }
    if (!pipeline->errors.empty()) {
      return Stall("spec.pipelineRef.name", "the Pipeline " + run.spec.pipeline_ref +
                                                " is not valid: " + Describe(pipeline->errors));
    }
    spec = &pipeline->spec;
  }
  bool asked = false;
  auto around = SurroundingsOf(context_, ns);
  around.code = [&](const api::CodeSpec& code) { return CodeOf(code, facts, asked); };
  auto resolution = plan::Resolve(run.spec.pipeline_ref, *spec, run.spec.parameters, around);
  if (asked) {
    errors_.clear();
    return false;
  }
  if (!errors_.empty()) facts.ForgetCodeErrors();
  if (!resolution.errors.empty() || !resolution.run || !errors_.empty()) {
    errors_.insert(errors_.end(), resolution.errors.begin(), resolution.errors.end());
    return true;
  }
  return Pin(run, std::move(*resolution.run));
}

Result<bool> RunPinning::Pin(const api::PipelineRun& run, plan::ResolvedRun resolved) {
  auto object = MakeRevision(run, resolved);
  if (!object) return Stall("spec", object.error().message);
  const std::string& ns = run.meta.namespace_;
  const std::string name = api::DecodeMeta(*object).name;
  auto created =
      context_.client.Create(kube::kControllerRevisions, ns, *object, {.stop = context_.stop});
  if (!created && created.error().kind == ErrorKind::kAlreadyExists) {
    created = context_.client.Get(kube::kControllerRevisions, ns, name, {.stop = context_.stop});
    if (created && !created->contains("data")) created = Internal(name + " has no data");
    if (created) {
      const auto owners = api::DecodeMeta(*created).owners;
      const bool ours = !owners.empty() && owners.front().uid == run.meta.uid &&
                        created->at("data") == object->at("data");
      if (!ours) {
        return Stall("metadata.name",
                     "a ControllerRevision " + name + " exists that is not of this run; delete it");
      }
    }
  }
  if (!created) {
    const Error& error = created.error();
    if (error.kind != ErrorKind::kForbidden && error.kind != ErrorKind::kInvalid) return error;
    look_again_ = true;
    return Stall("spec", "pinning what runs in a ControllerRevision: " + error.message);
  }
  resolved_ = std::make_shared<const plan::ResolvedRun>(std::move(resolved));
  revision_ = name;
  pinned_ = true;
  return true;
}

}  // namespace penstock::controllers
