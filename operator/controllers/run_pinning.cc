#include "operator/controllers/run_pinning.h"

#include <algorithm>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/revision.h"
#include "operator/controllers/surroundings.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/refusal_reason.h"

namespace penstock::controllers {

namespace {

constexpr Milliseconds kLookAgain{30'000};  // also the longest pause between tries

// Whether one of them is about a value that the run gives.
bool OfParameters(const std::vector<api::FieldError>& errors) {
  return std::any_of(errors.begin(), errors.end(), [](const api::FieldError& error) {
    return error.path.rfind("spec.parameters.", 0) == 0;
  });
}

}  // namespace

Result<bool> RunPinning::Ensure(const Known<api::PipelineRun>& run, RunFacts& facts) {
  if (resolved_ != nullptr) return true;
  errors_.clear();
  look_again_.reset();
  refused_.reset();
  unresolvable_ = false;
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
    look_again_ = kLookAgain;
    return Stall("status.revision", "the ControllerRevision " + run.status.revision +
                                        " with what this run is made of was deleted; restore it or "
                                        "start a new run");
  }
  auto resolved = ReadRevision(*object);
  if (!resolved) {
    look_again_ = kLookAgain;
    return Stall("status.revision", resolved.error().message);
  }
  resolved_ = std::make_shared<const plan::ResolvedRun>(std::move(*resolved));
  revision_ = run.status.revision;
  pinned_ = true;
  return true;
}

std::optional<ArtifactRef> RunPinning::CodeOf(const api::CodeSpec& code, RunFacts& facts,
                                              bool& asked) {
  if (!code.config_map && code.artifact.empty()) return std::nullopt;
  const auto answer = facts.Code(code);
  if (!answer) {
    asked = true;
    return std::nullopt;
  }
  if (!answer->error.empty()) {
    errors_.push_back({"spec.steps.container.code", answer->error});
    look_again_ = kLookAgain;
  }
  return answer->code;
}

Result<bool> RunPinning::Resolve(const Known<api::PipelineRun>& run, RunFacts& facts) {
  const std::string& ns = run.meta.namespace_;
  if (!run.errors.empty()) {
    errors_ = run.errors;
    unresolvable_ = true;
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
  // What others may still bring, or change.
  bool looks_around = !run.spec.pipeline_spec;
  around.components = [&, find = around.components](const std::string& name, bool library) {
    looks_around = true;
    return find(name, library);
  };
  around.pipeline_output = [&, find = around.pipeline_output](const std::string& from,
                                                              const std::string& output) {
    looks_around = true;
    return find(from, output);
  };
  auto resolution = plan::Resolve(run.spec.pipeline_ref, *spec, run.spec.parameters, around);
  if (asked) {
    errors_.clear();
    return false;
  }
  const bool code_is_there = errors_.empty();
  if (!code_is_there) facts.ForgetCodeErrors();
  if (!resolution.errors.empty() || !resolution.run || !errors_.empty()) {
    errors_.insert(errors_.end(), resolution.errors.begin(), resolution.errors.end());
    const bool by_itself = code_is_there && !looks_around;
    if (!by_itself && !OfParameters(resolution.errors)) return true;
    auto newest = pipeline == nullptr ? Result<bool>(true) : IsNewest(*pipeline);
    if (!newest) return newest.error();
    unresolvable_ = *newest;
    return true;
  }
  return Pin(run, std::move(*resolution.run));
}

// A Pipeline and a run that is made for its newest state may be applied together: what the informer
// has not told yet is no reason to end the run.
Result<bool> RunPinning::IsNewest(const api::Pipeline& seen) const {
  auto live = context_.client.Get(kube::kPipelines, seen.meta.namespace_, seen.meta.name,
                                  {.stop = context_.stop});
  if (!live && live.error().kind == ErrorKind::kNotFound) return false;
  if (!live) return live.error();
  return api::DecodeMeta(*live).resource_version == seen.meta.resource_version;
}

// The API server has just refused it.
bool RunPinning::IsPaused() {
  const auto left = refused_try_.next() - context_.clock.Steady();
  if (left.count() <= 0) return false;
  refused_ = refused_try_.why();
  look_again_ = std::chrono::ceil<Milliseconds>(left);
  return true;
}

Result<bool> RunPinning::Pin(const api::PipelineRun& run, plan::ResolvedRun resolved) {
  if (IsPaused()) return true;
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
        look_again_ = kLookAgain;
        return Stall("metadata.name",
                     "a ControllerRevision " + name + " exists that is not of this run; delete it");
      }
    }
  }
  if (!created) {
    const Error& error = created.error();
    if (!plan::IsRefusal(error.kind)) return error;
    refused_try_.Note(error, context_.clock.Steady(), kLookAgain);
    return IsPaused();
  }
  resolved_ = std::make_shared<const plan::ResolvedRun>(std::move(resolved));
  revision_ = name;
  pinned_ = true;
  return true;
}

}  // namespace penstock::controllers
