#include "operator/controllers/run_pinning.h"

#include <algorithm>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/surroundings.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/run/rerun.h"
#include "operator/revisions/revisions.h"

namespace penstock::controllers {

namespace {

// Whether one of them is about a value that the run gives.
bool OfParameters(const std::vector<api::FieldError>& errors) {
  return std::any_of(errors.begin(), errors.end(), [](const api::FieldError& error) {
    return error.path.starts_with("spec.parameters.") || error.path.starts_with("spec.inputs.");
  });
}

}  // namespace

Result<bool> RunPinning::Ensure(const Known<api::PipelineRun>& run, RunFacts& facts) {
  if (resolved_ != nullptr) {
    // Until the status names it.
    if (run.status.revision.empty()) context_.revisions.Touch(run.meta.namespace_, revision_);
    if (former_ != nullptr && plan::AnyBegun(run)) former_.reset();
    return true;
  }
  errors_.clear();
  look_again_.reset();
  refused_.reset();
  unresolvable_ = false;
  if (run.errors.empty() && run.spec.rerun && !plan::AnyBegun(run)) {
    if (!FindFormer(run, facts)) return false;
    if (!errors_.empty()) return true;
  }
  if (!run.status.revision.empty()) return Read(run);
  return Resolve(run, facts);
}

bool RunPinning::Stall(const std::string& path, const std::string& message) {
  errors_.push_back({path, message});
  return true;
}

bool RunPinning::Refuse(const std::string& path, const std::string& message) {
  unresolvable_ = true;
  return Stall(path, message);
}

Result<bool> RunPinning::Read(const api::PipelineRun& run) {
  auto resolved = context_.revisions.Read(run.meta.namespace_, run.status.revision);
  if (!resolved) {
    const ErrorKind kind = resolved.error().kind;
    if (kind != ErrorKind::kNotFound && kind != ErrorKind::kInternal) return resolved.error();
    look_again_ = kLookAgain;
    return Stall("status.revision", kind == ErrorKind::kNotFound
                                        ? "the ControllerRevision " + run.status.revision +
                                              " with what this run is made of was deleted; "
                                              "restore it or start a new run"
                                        : resolved.error().message);
  }
  resolved_ = std::move(*resolved);
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

// After CodeOf, which asks and tells.
std::optional<ArtifactRef> RunPinning::LockOf(const api::CodeSpec& code, RunFacts& facts) {
  if (!code.config_map && code.artifact.empty()) return std::nullopt;
  const auto answer = facts.Code(code);
  return answer ? answer->lock : std::nullopt;
}

std::optional<plan::ImageProgram> RunPinning::ImageOf(const std::string& image, RunFacts& facts,
                                                      bool& asked) {
  const auto answer = facts.Image(image);
  if (!answer) {
    asked = true;
    return std::nullopt;
  }
  if (!answer->error.empty()) {
    errors_.push_back({"spec.steps.container.command", answer->error});
    look_again_ = kLookAgain;
  }
  return answer->program;
}

Result<std::string> RunPinning::ConfigOf(const std::string& name, const std::string& key,
                                         RunFacts& facts, bool& asked) {
  const auto answer = facts.Config(name);
  asked = asked || !answer;
  if (!answer) return NotFound("it is being asked for");  // said to nobody: asked
  if (!*answer) return answer->error();
  const Json& data = **answer;
  const auto text = data.find(key);
  if (text == data.end() || !text->is_string())
    return NotFound("the ConfigMap has no such key; add it");
  return text->get<std::string>();
}

Result<bool> RunPinning::Resolve(const Known<api::PipelineRun>& run, RunFacts& facts) {
  const std::string& ns = run.meta.namespace_;
  if (!run.errors.empty()) {
    errors_ = run.errors;
    unresolvable_ = true;
    return true;
  }
  auto parameters = ParametersOf(run);
  auto inputs = InputsOf(run);
  auto around = SurroundingsOf(context_, ns);
  if (former_ != nullptr && IsAsFormer(run, parameters, inputs, around))
    return PinAsFormer(run, around);
  const api::PipelineSpec* spec = nullptr;
  ObjectTable<Known<api::Pipeline>>::Snapshot pipeline;
  if (run.spec.pipeline_spec) {
    spec = &*run.spec.pipeline_spec;
  } else {
    const std::string& from = run.spec.library ? context_.settings.library_namespace : ns;
    pipeline = context_.snapshots.pipelines.Get({from, run.spec.pipeline_ref});
    if (pipeline == nullptr) {
      // Both are often applied together, and the informer of one may be behind the other's.
      auto live = context_.client.Get(kube::kPipelines, from, run.spec.pipeline_ref,
                                      {.stop = context_.stop});
      if (live) {
        pipeline = std::make_shared<const Known<api::Pipeline>>(api::DecodePipeline(*live));
      } else if (live.error().kind != ErrorKind::kNotFound) {
        return live.error();
      }
    }
    if (pipeline == nullptr) {
      return Stall("spec.pipelineRef.name",
                   "there is no Pipeline " + run.spec.pipeline_ref + " in " +
                       (run.spec.library ? "the library (" : "namespace ") + from +
                       (run.spec.library ? ")" : "") + "; create it");
    }
    if (run.spec.library && !IsOfLibrary(pipeline->meta)) {
      return Stall("spec.pipelineRef.name", "the Pipeline " + run.spec.pipeline_ref + " in " +
                                                from +
                                                " is not of the library: it lacks the label "
                                                "penstock.dev/library=true");
    }
    if (!pipeline->errors.empty()) {
      return Stall("spec.pipelineRef.name", "the Pipeline " + run.spec.pipeline_ref +
                                                " is not valid: " + Describe(pipeline->errors));
    }
    spec = &pipeline->spec;
  }
  bool asked = false;
  if (former_ != nullptr) FitToFormer(*spec, run, parameters, inputs, around);
  around.code = [&](const api::CodeSpec& code) { return CodeOf(code, facts, asked); };
  around.lock = [&](const api::CodeSpec& code) { return LockOf(code, facts); };
  if (around.image)
    around.image = [&](const std::string& image) { return ImageOf(image, facts, asked); };
  // What others may still bring, or change.
  bool looks_around = !run.spec.pipeline_spec;
  around.components = [&, find = around.components](const std::string& name, bool library) {
    looks_around = true;
    return find(name, library);
  };
  around.pipeline = [&, find = around.pipeline](const std::string& name, bool library) {
    looks_around = true;
    return find(name, library);
  };
  around.pipeline_output = [&, find = around.pipeline_output](const std::string& from,
                                                              const std::string& output) {
    looks_around = true;
    return find(from, output);
  };
  bool configured = false;
  around.config_value = [&](const std::string& name, const std::string& key) {
    looks_around = configured = true;
    return ConfigOf(name, key, facts, asked);
  };
  auto resolution = plan::Resolve(run.spec.pipeline_ref, *spec, parameters, around, inputs);
  if (!asked && former_ != nullptr && resolution.run) {
    const api::RerunSpec& rerun = *run.spec.rerun;
    const std::string unknown = plan::UnknownFrom(*resolution.run, rerun.from);
    if (!unknown.empty()) return Refuse("spec.rerun.from", unknown);
    if (!rerun.latest && !run.spec.pipeline_spec && errors_.empty() &&
        !IsSameAsThen(*spec, around, run) && !asked)
      return true;
  }
  if (asked) {
    errors_.clear();
    return false;
  }
  const bool code_is_there = errors_.empty();
  if (!code_is_there || configured) facts.ForgetErrors();
  if (!resolution.errors.empty() || !resolution.run || !errors_.empty()) {
    errors_.insert(errors_.end(), resolution.errors.begin(), resolution.errors.end());
    if (configured) look_again_ = kLookAgain;
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
  auto kept = context_.revisions.Keep(run.meta.namespace_, std::move(resolved));
  if (!kept) {
    const Error& error = kept.error();
    if (error.kind == ErrorKind::kInvalid) return Stall("spec", error.message);
    if (error.kind == ErrorKind::kAlreadyExists) {
      look_again_ = kLookAgain;
      return Stall("status.revision", error.message);
    }
    if (!plan::IsRefusal(error.kind)) return error;
    refused_try_.Note(error, context_.clock.Steady(), kLookAgain);
    return IsPaused();
  }
  resolved_ = std::move(kept->resolved);
  revision_ = std::move(kept->name);
  pinned_ = true;
  return true;
}

}  // namespace penstock::controllers
