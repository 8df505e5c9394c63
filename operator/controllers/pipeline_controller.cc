#include "operator/controllers/pipeline_controller.h"

#include <algorithm>
#include <set>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/controllers/surroundings.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/step/child_fact.h"

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
  outline.spec.publish = run.spec.publish;
  outline.spec.scheduled_time = run.spec.scheduled_time;
  outline.spec.ttl_after_finished = run.spec.ttl_after_finished;
  outline.status.observed_generation = run.status.observed_generation;
  outline.status.revision = run.status.revision;
  outline.status.start_time = run.status.start_time;
  outline.status.finish_time = run.status.finish_time;
  outline.status.summary = run.status.summary;
  outline.status.outputs = run.status.outputs;
  outline.status.results = run.status.results;
  outline.status.conditions = run.status.conditions;
  return outline;
}

// A run within another is that run's: it counts for no Pipeline.
bool IsRunOf(const api::PipelineRun& run, const api::ObjectMeta& pipeline) {
  return run.spec.pipeline_ref == pipeline.name && !run.spec.library &&
         plan::ParentOf(run.meta) == nullptr;
}

// A Pipeline that is started by hand may leave parameters for its runs to give.
// What a ConfigMap holds each run finds out.
bool IsGivenByRun(const api::PipelineSpec& spec, const api::FieldError& error) {
  if (error.path.starts_with("spec.parameters[") && error.path.ends_with("].valueFrom"))
    return true;
  if (spec.run_policy != api::RunPolicy::kManual) return false;
  return std::any_of(spec.parameters.begin(), spec.parameters.end(),
                     [&](const auto& parameter) {
                       return !parameter.default_value &&
                              error.path == "spec.parameters." + parameter.name;
                     }) ||
         std::any_of(spec.inputs.begin(), spec.inputs.end(),
                     [&](const auto& input) { return error.path == "spec.inputs." + input.name; });
}

bool StartsByItself(const api::PipelineSpec& spec) {
  return spec.run_policy != api::RunPolicy::kManual || !spec.triggers.empty() ||
         std::any_of(spec.schedules.begin(), spec.schedules.end(),
                     [](const api::ScheduleSpec& schedule) { return !schedule.suspend; });
}

// Where Resolve says, once the spec is valid, which value of a parameter does not fit: labels,
// parameters of a step, and the step itself for the fields of its pod.
bool IsOfAValue(const api::FieldError& error) {
  if (error.path.starts_with("spec.runLabels")) return true;
  if (!error.path.starts_with("spec.steps[") && !error.path.starts_with("spec.finally["))
    return false;
  return error.path.ends_with(']') || error.path.find("].parameters.") != std::string::npos;
}

// A default that does not fit is nothing wrong with a Pipeline whose runs may all give another
// value: each run is told.
bool AreOfDefaults(const std::vector<api::FieldError>& errors, const api::PipelineSpec& spec,
                   const plan::Surroundings& around) {
  return !errors.empty() && !StartsByItself(spec) &&
         std::all_of(errors.begin(), errors.end(), IsOfAValue) &&
         plan::Check(spec, around).errors.empty();
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
  around.lock = around.code;
  auto resolution = plan::Resolve(pipeline.meta.name, pipeline.spec, {}, around);
  observed.warnings = std::move(resolution.warnings);
  for (auto& error : resolution.errors) {
    if (!IsGivenByRun(pipeline.spec, error)) observed.spec_errors.push_back(std::move(error));
  }
  if (!AreOfDefaults(observed.spec_errors, pipeline.spec, around)) return;
  for (const api::FieldError& error : observed.spec_errors)
    observed.warnings.push_back(error.path + ": " + error.message);
  observed.spec_errors.clear();
}

std::string PipelineController::Followed(const api::ObjectMeta& meta,
                                         const api::TriggerSpec& trigger) {
  const std::string& ns = meta.namespace_;
  if (!trigger.source.empty())
    return sources_.DigestOf(ns, ObjectKey{ns, meta.name}.Text(), trigger.source, trigger.interval);
  const auto other = context_.snapshots.pipelines.Get({ns, trigger.pipeline});
  if (other == nullptr) return "";
  for (const api::PublishedOutput& output : other->status.outputs)
    if (output.name == trigger.output) return output.digest;
  return "";
}

plan::PipelineObserved PipelineController::Gather(const Known<api::Pipeline>& pipeline) {
  plan::PipelineObserved observed;
  observed.pipeline = static_cast<const api::Pipeline&>(pipeline);  // without what is known of it
  Check(pipeline, observed);
  std::set<std::string> uris;
  for (const api::TriggerSpec& trigger : pipeline.spec.triggers) {
    if (!trigger.source.empty()) uris.insert(trigger.source);
    const std::string digest = Followed(pipeline.meta, trigger);
    if (!digest.empty()) observed.followed[plan::FollowedName(trigger)] = digest;
  }
  sources_.KeepOnly(ObjectKey{pipeline.meta.namespace_, pipeline.meta.name}.Text(), uris);
  for (const auto& run : context_.snapshots.runs.List(pipeline.meta.namespace_)) {
    if (IsRunOf(*run, pipeline.meta)) observed.runs.push_back(Outline(*run));
  }
  return observed;
}

Outcome PipelineController::Reconcile(const std::string& key) {
  const Pipeline pipeline = context_.snapshots.pipelines.Get(ParseKey(key));
  if (pipeline == nullptr || pipeline->meta.deleted) return std::optional<Milliseconds>();
  const std::int64_t generation = pipeline->meta.generation;
  const SteadyTime began = context_.clock.Steady();
  const Milliseconds rests = turns_.WaitOf(key, generation, began);
  if (rests > Milliseconds{0}) return std::optional(rests);
  Milliseconds acted{0};
  Outcome outcome = Visit(key, pipeline, acted);
  turns_.Took(key, generation, began + acted, context_.clock.Steady());
  return outcome;
}

Outcome PipelineController::Visit(const std::string& key, const Pipeline& pipeline,
                                  Milliseconds& acted) {
  plan::PipelineObserved observed = Gather(*pipeline);
  RefusalReport report;
  plan::PipelinePlan plan = plan::PlanPipeline(observed, context_.clock.Now());
  if (!plan.questions.empty()) {
    Ask(key, plan.questions, observed, report);
    plan = plan::PlanPipeline(observed, context_.clock.Now());
  }
  const SteadyTime acts = context_.clock.Steady();
  const bool registered = Carry(key, observed, plan.actions, report);
  acted = std::chrono::duration_cast<Milliseconds>(context_.clock.Steady() - acts);
  if (registered || !report.refusals.empty()) {
    observed.refusals = std::move(report.refusals);
    plan = plan::PlanPipeline(observed, context_.clock.Now());
  }
  if (!observed.refusals.empty()) {
    plan.requeue_after = report.next;
    if (plan.status.next_schedule)
      plan.requeue_after =
          Sooner(plan.requeue_after,
                 std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(
                                               *plan.status.next_schedule - context_.clock.Now())));
  }
  plan.requeue_after = Sooner(plan.requeue_after, sources_.NextAsk(key));
  auto written = WriteChangedStatus(context_, kube::kPipelines, *pipeline, plan,
                                    api::DecodePipeline, context_.snapshots.pipelines);
  if (!written) return written.error();
  if (report.news) return *report.news;
  return plan.requeue_after;
}

bool PipelineController::Carry(const std::string& key, plan::PipelineObserved& observed,
                               const std::vector<plan::PipelineAction>& actions,
                               RefusalReport& report) {
  const std::int64_t generation = observed.pipeline.meta.generation;
  bool registered = false;
  for (const plan::PipelineAction& action : actions) {
    const auto* version = std::get_if<plan::RegisterVersion>(&action);
    const std::string name = std::visit([](const auto& a) { return a.name; }, action);
    const std::string object = version == nullptr ? plan::RunObject(name) : "ModelVersion " + name;
    if (refusals_.Waits(key, object, generation, report)) continue;
    auto done = Act(observed.pipeline, action);
    if (done) {
      refusals_.Forget(key, object);
      if (version == nullptr) continue;
      observed.versions[version->version.spec.model].push_back(version->version);
      registered = true;
    } else {
      refusals_.Note(key, object, generation, done.error(), report);
      // Whatever kept a run from being made, nobody is told that it was.
      if (!plan::IsRefusal(done.error().kind)) report.refusals.push_back({object, done.error()});
    }
  }
  if (report.refusals.empty()) refusals_.Forget(key);  // what is not asked for any more
  return registered;
}

Result<void> PipelineController::Act(const api::Pipeline& pipeline,
                                     const plan::PipelineAction& action) {
  if (const auto* create = std::get_if<plan::CreateRun>(&action)) return Create(pipeline, *create);
  if (const auto* cancel = std::get_if<plan::CancelRun>(&action)) return Cancel(pipeline, *cancel);
  if (const auto* release = std::get_if<plan::ReleaseRun>(&action))
    return Release(pipeline, *release);
  if (const auto* label = std::get_if<plan::LabelRun>(&action)) return Label(pipeline, *label);
  if (const auto* version = std::get_if<plan::RegisterVersion>(&action)) return Register(*version);
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
  if (!run) return run.error();
  context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*run)));
  told_(ObjectKey{ns, action.name}.Text());
  return {};
}

Result<void> PipelineController::Cancel(const api::Pipeline& pipeline,
                                        const plan::CancelRun& action) {
  return Patch(pipeline.meta.namespace_, action.name,
               {{"metadata", {{"uid", action.uid}}}, {"spec", {{"cancel", action.mode}}}});
}

Result<void> PipelineController::Release(const api::Pipeline& pipeline,
                                         const plan::ReleaseRun& action) {
  return Patch(
      pipeline.meta.namespace_, action.name,
      {{"metadata", {{"uid", action.uid}, {"annotations", {{plan::kWaitsSince, nullptr}}}}},
       {"spec", {{"suspend", false}}}});
}

Result<void> PipelineController::Label(const api::Pipeline& pipeline,
                                       const plan::LabelRun& action) {
  const Json labels = {{plan::kLabelPipeline, pipeline.meta.name}};
  return Patch(pipeline.meta.namespace_, action.name,
               {{"metadata", {{"uid", action.uid}, {"labels", labels}}}});
}

Result<void> PipelineController::Patch(const std::string& ns, const std::string& name,
                                       const Json& patch) {
  auto run =
      context_.client.MergePatch(kube::kPipelineRuns, ns, name, patch, {}, {.stop = context_.stop});
  if (!run) {
    if (run.error().kind == ErrorKind::kNotFound) return {};
    return run.error();
  }
  context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*run)));
  told_(ObjectKey{ns, name}.Text());
  return {};
}

Result<void> PipelineController::Delete(const api::Pipeline& pipeline,
                                        const plan::DeleteRun& action) {
  kube::DeleteOptions options;
  options.uid = action.uid;
  auto done = context_.client.Delete(kube::kPipelineRuns, pipeline.meta.namespace_, action.name,
                                     options, {.stop = context_.stop});
  if (done && !action.told.empty())
    SendEvents(context_, kube::kPipelines, pipeline.meta,
               {{"Warning", "MissedTrigger", action.told}});
  if (done || done.error().kind == ErrorKind::kNotFound) return {};
  return done;
}

Result<std::vector<api::RegisteredVersion>> PipelineController::Versions(const std::string& ns,
                                                                         const std::string& model) {
  std::vector<api::RegisteredVersion> versions;
  kube::ListOptions options;
  do {
    auto page = context_.client.List(kube::kModelVersions, ns, options, {.stop = context_.stop});
    if (!page) return page.error();
    for (const Json& object : page->items) {
      auto version = api::DecodeRegisteredVersion(object).value;
      if (version.spec.model == model) versions.push_back(std::move(version));
    }
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return versions;
}

void PipelineController::Ask(const std::string& key,
                             const std::vector<plan::RegistryQuestion>& questions,
                             plan::PipelineObserved& observed, RefusalReport& report) {
  const std::int64_t generation = observed.pipeline.meta.generation;
  const std::string& ns = observed.pipeline.meta.namespace_;
  for (const plan::RegistryQuestion& question : questions) {
    const std::string object = "the versions of the model " + question.model;
    if (refusals_.Waits(key, object, generation, report)) continue;
    // From the API server itself: it knows what was made by a call whose answer was lost.
    auto versions = Versions(ns, question.model);
    if (!versions) {
      refusals_.Note(key, object, generation, versions.error(), report);
      continue;
    }
    refusals_.Forget(key, object);
    observed.versions[question.model] = *std::move(versions);
    const auto run = context_.snapshots.runs.Get({ns, question.run});
    if (run == nullptr) continue;
    api::RegisteredVersionSpec& story = observed.stories[question.run];
    api::DescribeByRun(*run, story);
    // With the defaults that it ran with, where it is still known what these were.
    if (const auto pinned = context_.revisions.Read(ns, run->status.revision))
      story.parameters = (*pinned)->parameters;
  }
}

Result<void> PipelineController::Register(const plan::RegisterVersion& action) {
  auto made = context_.client.Create(kube::kModelVersions, action.version.meta.namespace_,
                                     api::Encode(action.version), {.stop = context_.stop});
  if (made) return {};
  // Another one took the number, or this is our own whose answer was lost: it is looked at anew.
  if (made.error().kind == ErrorKind::kAlreadyExists)
    return Error{ErrorKind::kConflict, made.error().message};
  return made.error();
}

}  // namespace penstock::controllers
