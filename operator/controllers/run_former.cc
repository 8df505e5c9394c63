// The run that another one does again (spec.rerun): found as it stands, or as history keeps it, and
// what is taken of what it was pinned to.
#include <algorithm>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/run_controller.h"
#include "operator/controllers/run_facts.h"
#include "operator/controllers/run_pinning.h"
#include "operator/kube/resources.h"
#include "operator/plan/run/rerun.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

struct Found {
  Json object;
  std::optional<Json> spec;  // the ControllerRevision, of a run that is gone
};

// kNotFound: neither the cluster nor history has it.
Result<Found> Find(const Context& context, const std::string& ns, const std::string& name) {
  auto live = context.client.Get(kube::kPipelineRuns, ns, name, {.stop = context.stop});
  if (live) return Found{*std::move(live), std::nullopt};
  if (live.error().kind != ErrorKind::kNotFound || !context.settings.story_of) return live.error();
  auto story = context.settings.story_of(ns, name);
  if (!story) return story.error();
  return Found{std::move(story->object), std::move(story->spec)};
}

// Null: it is not kept. A run of the same name that was made since is another one.
Result<revisions::ResolvedPtr> ResolvedOf(const Context& context, const std::string& ns,
                                          const api::PipelineRun& run,
                                          const std::optional<Json>& kept) {
  if (!run.status.revision.empty()) {
    auto read = context.revisions.Read(ns, run.status.revision);
    if (read) return *std::move(read);
    if (read.error().kind != ErrorKind::kNotFound) return read.error();
  }
  std::optional<Json> spec = kept;
  if (!spec && context.settings.story_of) {
    auto story = context.settings.story_of(ns, run.meta.name);
    if (!story && story.error().kind != ErrorKind::kNotFound) return story.error();
    if (story && api::DecodeMeta(story->object).uid == run.meta.uid) spec = story->spec;
  }
  if (!spec) return revisions::ResolvedPtr();
  auto resolved = revisions::ReadRevision(*spec);
  if (!resolved) return resolved.error();
  return std::make_shared<const plan::ResolvedRun>(*std::move(resolved));
}

// By name, as "p/o"; null: nothing was published.
std::map<std::string, std::optional<api::PublishedOutput>> PublishedThen(
    const plan::ResolvedRun& run) {
  std::map<std::string, std::optional<api::PublishedOutput>> all;
  for (const plan::ResolvedStep& step : run.steps)
    all.insert(step.published.begin(), step.published.end());
  return all;
}

// What the run's own Pipeline published last is what was read then: a verdict on it still holds.
bool IsOwnOutputSame(const plan::ResolvedRun& run, const plan::Surroundings& around) {
  for (const auto& [name, then] : PublishedThen(run)) {
    if (!name.starts_with(run.pipeline + "/")) continue;
    const auto now = around.pipeline_output(run.pipeline, name.substr(run.pipeline.size() + 1));
    if (now.has_value() != then.has_value() || (now && now->digest != then->digest)) return false;
  }
  return true;
}

// A parameter or input that the former run had, and that there is not any more.
template <typename Value, typename Declared>
void DropUndeclared(std::map<std::string, Value>& values, const std::vector<Declared>& declared,
                    const std::map<std::string, Value>& given) {
  std::erase_if(values, [&](const auto& value) {
    return !given.contains(value.first) &&
           std::none_of(declared.begin(), declared.end(),
                        [&](const Declared& d) { return d.name == value.first; });
  });
}

// Whether anything in it may ask for the time that the run is for.
bool MayAskForTime(const plan::ResolvedRun& run) {
  return plan::EncodeResolved(run).dump().find("scheduledTime") != std::string::npos;
}

}  // namespace

std::optional<FormerAnswer> RunFacts::Former(const std::string& run) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = formers_.find(run); known != formers_.end()) return known->second;
  }
  Fetch(in_store_, "former/" + run, [this, run] { return FetchFormer(run); });
  return std::nullopt;
}

Result<bool> RunFacts::FetchFormer(const std::string& name) {
  FormerAnswer answer;
  auto found = Find(context_, run_.ns, name);
  if (!found && found.error().kind != ErrorKind::kNotFound) return found.error();
  if (!found) {
    answer.for_good = true;
    answer.error = "there is no run " + name + " in namespace " + run_.ns +
                   ", and history does not have it either";
  } else {
    auto decoded = api::DecodePipelineRun(found->object);
    if (!decoded.errors.empty()) {
      answer.for_good = true;
      answer.error = "run " + name + " cannot be read: " + api::Describe(decoded.errors);
    } else if (!IsFinished(decoded.value)) {
      answer.error = "run " + name + " has not ended: cancel it, or wait for its end";
    } else {
      auto resolved = ResolvedOf(context_, run_.ns, decoded.value, found->spec);
      if (!resolved && resolved.error().kind != ErrorKind::kInternal &&
          resolved.error().kind != ErrorKind::kInvalid)
        return resolved.error();
      if (!resolved) context_.warn("run " + name + ": " + resolved.error().message);
      answer.former = std::make_shared<const plan::FormerRun>(
          plan::FormerRun{std::move(decoded.value), resolved ? *resolved : nullptr});
    }
  }
  const std::lock_guard lock(mutex_);
  formers_.insert_or_assign(name, std::move(answer));
  return true;
}

bool RunPinning::FindFormer(const api::PipelineRun& run, RunFacts& facts) {
  const api::RerunSpec& rerun = *run.spec.rerun;
  const auto answer = facts.Former(rerun.of);
  if (!answer) return false;
  if (!answer->error.empty() && answer->for_good) return Refuse("spec.rerun.of", answer->error);
  if (!answer->error.empty()) {
    facts.ForgetErrors();
    look_again_ = kLookAgain;
    return Stall("spec.rerun.of", answer->error);
  }
  const api::PipelineRunSpec& then = answer->former->run.spec;
  const auto what = [](const api::PipelineRunSpec& spec) {
    if (spec.pipeline_spec) return std::string("a pipelineSpec of its own");
    return "Pipeline " + spec.pipeline_ref + (spec.library ? " of the library" : "");
  };
  if (what(then) != what(run.spec))
    return Refuse("spec.rerun.of",
                  "run " + rerun.of + " is of " + what(then) + ", not of " + what(run.spec));
  if (answer->former->resolved == nullptr)
    return Refuse("spec.rerun.of", "what run " + rerun.of +
                                       " was made of is not kept: its ControllerRevision is gone; "
                                       "start a new run");
  if (!then.publish && run.spec.publish)
    return Refuse("spec.publish", "is to be false, as run " + rerun.of +
                                      " publishes nothing; a new run may publish");
  if (!run.spec.scheduled_time && (then.scheduled_time || MayAskForTime(*answer->former->resolved)))
    return Refuse("spec.scheduledTime", "is required: run " + rerun.of + " is for " +
                                            FormatTime(api::ScheduledTime(answer->former->run)) +
                                            "; write that time");
  former_ = answer->former;
  return true;
}

std::map<std::string, Json> RunPinning::ParametersOf(const api::PipelineRun& run) const {
  std::map<std::string, Json> all = run.spec.parameters;
  if (former_ != nullptr)
    all.insert(former_->resolved->parameters.begin(), former_->resolved->parameters.end());
  return all;
}

std::map<std::string, std::string> RunPinning::InputsOf(const api::PipelineRun& run) const {
  std::map<std::string, std::string> all = run.spec.inputs;
  if (former_ != nullptr)
    all.insert(former_->resolved->inputs.begin(), former_->resolved->inputs.end());
  return all;
}

// With other parameters the former run's spec is resolved anew, of which only what came out is
// kept: with what that one had, the Pipeline must still give the same.
bool RunPinning::IsSameAsThen(const api::PipelineSpec& spec, plan::Surroundings around,
                              const api::PipelineRun& run) {
  const plan::ResolvedRun& then = *former_->resolved;
  const auto published = PublishedThen(then);
  around.pipeline_output = [&published, find = around.pipeline_output](const std::string& from,
                                                                       const std::string& output) {
    const auto recorded = published.find(from + "/" + output);
    return recorded == published.end() ? find(from, output) : recorded->second;
  };
  auto parameters = then.parameters;
  auto inputs = then.inputs;
  DropUndeclared(parameters, spec.parameters, {});
  DropUndeclared(inputs, spec.inputs, {});
  const auto again = plan::Resolve(run.spec.pipeline_ref, spec, parameters, around, inputs);
  const std::string who = "the Pipeline " + run.spec.pipeline_ref;
  const std::string what =
      " has changed since run " + former_->run.meta.name +
      ", or what it is made of has (a Component, code, an image): with other parameters, and "
      "where what it publishes is another output now, it can only be run as it is now (latest: "
      "true)";
  if (!again.run) {
    Refuse("spec.rerun", who + what);
    return false;
  }
  const auto changed = plan::ChangedSteps(then, *again.run);
  const auto gone = plan::ChangedSteps(*again.run, then);
  if (changed.empty() && gone.empty()) return true;
  Refuse("spec.rerun", "step " + (changed.empty() ? gone : changed).front() + " of " + who + what);
  return false;
}

// Under the policy of today, whatever held when the former run was resolved.
Result<bool> RunPinning::PinAsFormer(const api::PipelineRun& run,
                                     const plan::Surroundings& around) {
  const std::string unknown = plan::UnknownFrom(*former_->resolved, run.spec.rerun->from);
  if (!unknown.empty()) return Refuse("spec.rerun.from", unknown);
  if (around.pod_fields) {
    errors_ = plan::CheckPodPolicy(*former_->resolved, *around.pod_fields);
    unresolvable_ = !errors_.empty();
    if (unresolvable_) return true;
  }
  return Pin(run, *former_->resolved);
}

bool RunPinning::IsAsFormer(const api::PipelineRun& run,
                            const std::map<std::string, Json>& parameters,
                            const std::map<std::string, std::string>& inputs,
                            const plan::Surroundings& around) const {
  const plan::ResolvedRun& then = *former_->resolved;
  const bool same_spec = run.spec.pipeline_spec ? api::Encode(*run.spec.pipeline_spec) ==
                                                      api::Encode(*former_->run.spec.pipeline_spec)
                                                : !run.spec.rerun->latest;
  return same_spec && parameters == then.parameters && inputs == then.inputs &&
         IsOwnOutputSame(then, around);
}

void RunPinning::FitToFormer(const api::PipelineSpec& spec, const api::PipelineRun& run,
                             std::map<std::string, Json>& parameters,
                             std::map<std::string, std::string>& inputs,
                             plan::Surroundings& around) const {
  DropUndeclared(parameters, spec.parameters, run.spec.parameters);
  DropUndeclared(inputs, spec.inputs, run.spec.inputs);
  if (run.spec.rerun->latest) return;
  around.pipeline_output = [published = PublishedThen(*former_->resolved),
                            own = run.spec.pipeline_ref, find = around.pipeline_output](
                               const std::string& from, const std::string& output) {
    const auto then = published.find(from + "/" + output);
    return from == own || then == published.end() ? find(from, output) : then->second;
  };
}

}  // namespace penstock::controllers
