#include "operator/views/run/run_record.h"

#include <map>
#include <unordered_map>

#include "operator/api/approval.h"
#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/step/run_outcome.h"
#include "operator/revisions/revision.h"

namespace penstock::views {
namespace {

using Outputs = std::unordered_map<std::string, const api::StepOutput*>;  // "step/output"

Outputs StepOutputsOf(const api::PipelineRunStatus& status) {
  Outputs found;
  for (const api::StepStatus& step : status.steps) {
    for (const api::StepOutput& output : step.outputs) {
      found[step.name + "/" + output.name] = &output;
    }
  }
  return found;
}

// What the step read, as far as it is known; an input whose producer has not ended is left out.
std::vector<metadata::ArtifactUse> RecordedInputs(const plan::ResolvedStep& step,
                                                  const std::map<std::string, std::string>& sources,
                                                  const Outputs& outputs) {
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
      const auto read = sources.find(input.name);
      if (read != sources.end()) use.fingerprint = read->second;
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
  // What stands in for a step that has failed was made by another run's.
  const bool stands_in = status.last_good && status.last_good->outcome == api::LastGoodUse::kUsed;
  if (!stands_in) step.results = status.results;
  for (const api::StepOutput& o : status.outputs) {
    if (stands_in) break;
    step.outputs.push_back({o.name, o.type, o.digest, "", o.folder, o.bytes});
  }
  if (resolved != nullptr) {
    step.component = resolved->component;
    if (status.attempts > 0 || status.cached)
      step.inputs = RecordedInputs(*resolved, status.sources, outputs);
  }
  return step;
}

// What lists of runs show of it.
void Summarize(const api::PipelineRun& run, metadata::RunRecord& record) {
  record.phase = plan::RunWord(run);
  const auto label = run.meta.labels.find(plan::kLabelCause);
  if (label != run.meta.labels.end()) record.cause = label->second;
  const auto user = run.meta.annotations.find(api::kSubmittedBy);
  if (user != run.meta.annotations.end()) record.user = user->second;
  record.labels = run.meta.labels;
  const api::RunSummary& s = run.status.summary;
  record.counts = {s.total, s.succeeded, s.failed, s.running, s.cached, s.skipped};
  const std::string& trouble = run.status.trouble;  // "train: OutOfMemory"
  if (const auto colon = trouble.find(": "); colon != std::string::npos) {
    record.step = trouble.substr(0, colon);
    record.reason = trouble.substr(colon + 2);
  }
  const bool ended = !record.outcome.empty();
  const auto* why = api::FindCondition(run.status.conditions, ended ? "Succeeded" : "Stalled");
  const bool bad = why != nullptr && why->status == (ended ? api::ConditionStatus::kFalse
                                                           : api::ConditionStatus::kTrue);
  if (record.reason.empty() && bad) record.reason = why->reason;
  if (ended) return;
  record.message = bad ? why->message : "";
  for (const api::StepStatus& step : run.status.steps)
    if (!bad && step.name == record.step) record.message = step.message;
}

// The story of a run that has ended. What cannot be kept is left out: its object is told of as long
// as it stands.
void KeepStory(const api::PipelineRun& run, const plan::ResolvedRun* resolved,
               const std::string* revision, metadata::RunRecord& record) {
  if (record.outcome.empty()) return;
  record.object = api::Encode(run).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (revision != nullptr) {
    record.spec = *revision;
  } else if (resolved != nullptr) {
    auto made = revisions::MakeRevision(run.meta.namespace_, revisions::RevisionText(*resolved));
    if (made) record.spec = made->dump();
  }
}

}  // namespace

metadata::RunRecord SummaryOf(const api::PipelineRun& run) {
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
  Summarize(run, record);
  return record;
}

metadata::RunRecord MakeRecord(const api::PipelineRun& run, const plan::ResolvedRun* resolved,
                               const std::string* revision) {
  metadata::RunRecord record = SummaryOf(run);
  const auto& parameters = resolved == nullptr ? run.spec.parameters : resolved->parameters;
  for (const auto& [name, value] : parameters) record.parameters[name] = ShownValue(value);
  const Outputs outputs = StepOutputsOf(run.status);
  for (const api::StepStatus& step : run.status.steps) {
    const auto* known = resolved == nullptr ? nullptr : resolved->Find(step.name);
    record.steps.push_back(StepOf(step, known, outputs));
  }
  KeepStory(run, resolved, revision, record);
  return record;
}

}  // namespace penstock::views
