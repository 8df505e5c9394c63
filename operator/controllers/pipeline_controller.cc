#include "operator/controllers/pipeline_controller.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/controllers/surroundings.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/pipeline_plan.h"

namespace penstock::controllers {
namespace {

// A run without its steps: what a Pipeline's plan looks at, and cheap where there are many.
api::PipelineRun Outline(const api::PipelineRun& run) {
  api::PipelineRun outline;
  outline.meta = run.meta;
  outline.spec.pipeline_ref = run.spec.pipeline_ref;
  outline.spec.parameters = run.spec.parameters;
  outline.spec.suspend = run.spec.suspend;
  outline.spec.cancel = run.spec.cancel;
  outline.spec.ttl_after_finished = run.spec.ttl_after_finished;
  outline.status.observed_generation = run.status.observed_generation;
  outline.status.revision = run.status.revision;
  outline.status.start_time = run.status.start_time;
  outline.status.finish_time = run.status.finish_time;
  outline.status.summary = run.status.summary;
  outline.status.outputs = run.status.outputs;
  outline.status.conditions = run.status.conditions;
  return outline;
}

// A Pipeline that is started by hand may leave parameters for its runs to give.
bool IsGivenByRun(const api::PipelineSpec& spec, const api::FieldError& error) {
  if (spec.run_policy != api::RunPolicy::kManual) return false;
  return std::any_of(spec.parameters.begin(), spec.parameters.end(), [&](const auto& parameter) {
    return !parameter.default_value && error.path == "spec.parameters." + parameter.name;
  });
}

}  // namespace

void PipelineController::Check(const Known<api::Pipeline>& pipeline,
                               plan::PipelineObserved& observed) const {
  observed.spec_errors = pipeline.errors;
  if (!pipeline.errors.empty()) return;
  auto around = SurroundingsOf(context_, pipeline.meta.namespace_);
  // Which bytes it holds is each run's to find out; here it counts that some are named.
  around.code = [](const api::CodeSpec& code) -> std::optional<ArtifactRef> {
    if (!code.config_map && code.artifact.empty()) return std::nullopt;
    return ArtifactRef{"sha256:" + std::string(64, '0'), true, 0};
  };
  auto resolution = plan::Resolve(pipeline.meta.name, pipeline.spec, {}, around);
  observed.warnings = std::move(resolution.warnings);
  for (auto& error : resolution.errors) {
    if (!IsGivenByRun(pipeline.spec, error)) observed.spec_errors.push_back(std::move(error));
  }
}

plan::PipelineObserved PipelineController::Gather(const Known<api::Pipeline>& pipeline) const {
  plan::PipelineObserved observed;
  observed.pipeline = static_cast<const api::Pipeline&>(pipeline);  // without what is known of it
  Check(pipeline, observed);
  for (const auto& run : context_.snapshots.runs.List(pipeline.meta.namespace_)) {
    if (run->spec.pipeline_ref == pipeline.meta.name) observed.runs.push_back(Outline(*run));
  }
  const std::lock_guard lock(mutex_);
  const auto refused = refused_.find(pipeline.meta.uid);
  if (refused != refused_.end()) observed.create_refused = refused->second;
  return observed;
}

Outcome PipelineController::Reconcile(const std::string& key) {
  const Pipeline pipeline = context_.snapshots.pipelines.Get(ParseKey(key));
  if (pipeline == nullptr || pipeline->meta.deleted) return std::optional<Milliseconds>();
  const auto plan = plan::PlanPipeline(Gather(*pipeline), context_.clock.Now());
  std::optional<Error> failed;
  for (const plan::PipelineAction& action : plan.actions) {
    auto done = Act(*pipeline, action);
    if (!done && !failed) failed = done.error();
  }
  auto written = WriteChangedStatus(context_, kube::kPipelines, *pipeline, plan,
                                    api::DecodePipeline, context_.snapshots.pipelines);
  if (!written) return written.error();
  if (failed) return *failed;
  return plan.requeue_after;
}

Result<void> PipelineController::Act(const api::Pipeline& pipeline,
                                     const plan::PipelineAction& action) {
  if (const auto* create = std::get_if<plan::CreateRun>(&action)) return Create(pipeline, *create);
  if (const auto* cancel = std::get_if<plan::CancelRun>(&action)) return Cancel(pipeline, *cancel);
  return Delete(pipeline, std::get<plan::DeleteRun>(action));
}

Result<void> PipelineController::Create(const api::Pipeline& pipeline,
                                        const plan::CreateRun& action) {
  const std::string& ns = pipeline.meta.namespace_;
  const kube::Call call{.stop = context_.stop};
  auto run = context_.client.Create(kube::kPipelineRuns, ns, action.run, call);
  // A restored cluster, or an answer that was lost: the run that stands is the run.
  if (!run && run.error().kind == ErrorKind::kAlreadyExists) {
    run = context_.client.Get(kube::kPipelineRuns, ns, action.name, call);
  }
  const std::lock_guard lock(mutex_);
  if (!run) {
    const ErrorKind kind = run.error().kind;
    if (kind == ErrorKind::kForbidden || kind == ErrorKind::kInvalid || kind == ErrorKind::kQuota) {
      refused_[pipeline.meta.uid] = run.error().message;
    }
    return run.error();
  }
  refused_.erase(pipeline.meta.uid);
  context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*run)));
  told_(ObjectKey{ns, action.name}.Text());
  return {};
}

Result<void> PipelineController::Cancel(const api::Pipeline& pipeline,
                                        const plan::CancelRun& action) {
  const Json patch = {{"metadata", {{"uid", action.uid}}}, {"spec", {{"cancel", action.mode}}}};
  auto run = context_.client.MergePatch(kube::kPipelineRuns, pipeline.meta.namespace_, action.name,
                                        patch, {}, {.stop = context_.stop});
  if (!run) {
    if (run.error().kind == ErrorKind::kNotFound) return {};
    return run.error();
  }
  context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*run)));
  told_(ObjectKey{pipeline.meta.namespace_, action.name}.Text());
  return {};
}

Result<void> PipelineController::Delete(const api::Pipeline& pipeline,
                                        const plan::DeleteRun& action) {
  kube::DeleteOptions options;
  options.uid = action.uid;
  auto done = context_.client.Delete(kube::kPipelineRuns, pipeline.meta.namespace_, action.name,
                                     options, {.stop = context_.stop});
  if (done || done.error().kind == ErrorKind::kNotFound) return {};
  return done;
}

}  // namespace penstock::controllers
