#include "operator/controllers/run_record.h"

#include <map>
#include <unordered_map>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

using Outputs = std::unordered_map<std::string, const api::StepOutput*>;  // "step/output"

Outputs OutputsOf(const api::PipelineRunStatus& status) {
  Outputs found;
  for (const api::StepStatus& step : status.steps) {
    for (const api::StepOutput& output : step.outputs) {
      found[step.name + "/" + output.name] = &output;
    }
  }
  return found;
}

// What the step read, as far as it is known; an input whose producer has not ended is left out.
std::vector<metadata::ArtifactUse> Inputs(const plan::ResolvedStep& step, const Outputs& outputs) {
  std::vector<metadata::ArtifactUse> uses;
  for (const plan::ResolvedInput& input : step.inputs) {
    metadata::ArtifactUse use;
    use.name = input.name;
    use.type = input.type;
    if (input.artifact) {
      use.digest = input.artifact->digest;
      use.folder = input.artifact->folder;
      use.bytes = input.artifact->bytes;
    } else if (!input.step.empty()) {
      const auto made = outputs.find(input.step + "/" + input.output);
      if (made == outputs.end()) continue;
      use.digest = made->second->digest;
      use.folder = made->second->folder;
      use.bytes = made->second->bytes;
    } else {
      use.uri = ShownUri(input.uri);
    }
    if (!use.digest.empty() || !use.uri.empty()) uses.push_back(std::move(use));
  }
  return uses;
}

metadata::StepRecord StepOf(const api::StepStatus& status, const plan::ResolvedStep* resolved,
                            const Outputs& outputs) {
  metadata::StepRecord step;
  step.name = status.name;
  step.phase = api::Name(status.phase);
  step.reason = status.reason;
  step.attempt = status.attempts;
  step.cached = status.cached;
  step.cache_key = status.cache_key;
  step.pod = status.pod;
  step.started = status.start_time;
  step.finished = status.finish_time;
  step.results = status.results;
  for (const api::StepOutput& o : status.outputs) {
    step.outputs.push_back({o.name, o.type, o.digest, "", o.folder, o.bytes});
  }
  if (resolved != nullptr) {
    step.component = resolved->component;
    if (status.attempts > 0 || status.cached) step.inputs = Inputs(*resolved, outputs);
  }
  return step;
}

// By namespace and name of the revision.
using Pinned = std::map<std::pair<std::string, std::string>, plan::ResolvedRun>;

void ReadPinned(const Context& context, const std::string& ns, Pinned& pinned) {
  kube::ListOptions page;
  page.label_selector = std::string(plan::kLabelManaged) + "=true";
  page.limit = 200;
  do {
    auto list = context.client.List(kube::kControllerRevisions, ns, page, {.stop = context.stop});
    if (!list) return;  // the records then lack what the steps read, and nothing else
    for (const Json& revision : list->items) {
      const auto meta = api::DecodeMeta(revision);
      auto resolved = revisions::ReadRevision(revision);
      if (resolved) pinned[{meta.namespace_, meta.name}] = std::move(*resolved);
    }
    page.continue_token = list->continue_token;
  } while (!page.continue_token.empty());
}

}  // namespace

metadata::RunRecord MakeRecord(const api::PipelineRun& run, const plan::ResolvedRun* resolved) {
  metadata::RunRecord record;
  record.uid = run.meta.uid;
  record.namespace_ = run.meta.namespace_;
  record.name = run.meta.name;
  record.pipeline = run.spec.pipeline_ref;
  record.revision = run.status.revision;
  record.created = run.meta.created;
  record.started = run.status.start_time;
  record.finished = run.status.finish_time;
  if (const auto* finished = api::FindCondition(run.status.conditions, "Finished");
      finished != nullptr && finished->status == api::ConditionStatus::kTrue) {
    const auto* succeeded = api::FindCondition(run.status.conditions, "Succeeded");
    record.outcome = succeeded == nullptr ? finished->reason : succeeded->reason;
    if (succeeded != nullptr && succeeded->status == api::ConditionStatus::kTrue) {
      record.outcome = "Succeeded";
    }
    record.message = succeeded == nullptr ? finished->message : succeeded->message;
  }
  const auto& parameters = resolved == nullptr ? run.spec.parameters : resolved->parameters;
  for (const auto& [name, value] : parameters) record.parameters[name] = ShownValue(value);
  const Outputs outputs = OutputsOf(run.status);
  for (const api::StepStatus& step : run.status.steps) {
    const auto* known = resolved == nullptr ? nullptr : resolved->Find(step.name);
    record.steps.push_back(StepOf(step, known, outputs));
  }
  return record;
}

void RecordRuns(const Context& context, std::vector<std::string> namespaces) {
  if (namespaces.empty()) namespaces.emplace_back();
  Pinned pinned;
  for (const std::string& ns : namespaces) ReadPinned(context, ns, pinned);
  for (const auto& run : context.snapshots.runs.List("")) {
    const auto resolved = pinned.find({run->meta.namespace_, run->status.revision});
    context.recorder.RecordRun(
        MakeRecord(*run, resolved == pinned.end() ? nullptr : &resolved->second));
  }
}

}  // namespace penstock::controllers
