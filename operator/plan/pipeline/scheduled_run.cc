#include "operator/plan/pipeline/scheduled_run.h"

#include <ctime>

#include "operator/api/approval.h"
#include "operator/base/sha256.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

std::string LabelOf(const api::PipelineRun& run, const char* key) {
  const auto it = run.meta.labels.find(key);
  return it == run.meta.labels.end() ? "" : it->second;
}

std::string ScheduledRunName(const std::string& pipeline, const std::string& schedule,
                             TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char minute[32];
  std::strftime(minute, sizeof minute, "%Y%m%d%H%M", &tm);
  // The names themselves may hold the dash that would part them.
  return pipeline + "-" + minute + "-" + Sha256Hex(pipeline + "/" + schedule).substr(0, 8);
}

bool IsForTime(const api::PipelineRun& run, const std::string& schedule, TimePoint time) {
  return run.spec.scheduled_time == time && LabelOf(run, kLabelSchedule) == schedule;
}

bool IsAutomatic(const api::PipelineRun& run) {
  const std::string cause = LabelOf(run, kLabelCause);
  return cause == kCauseChange || cause == kCauseSchedule || cause == kCauseTrigger;
}

Json OwnedRun(const api::Pipeline& pipeline, const std::string& name, const std::string& cause,
              const std::map<std::string, std::string>& more_labels, Json more_spec) {
  Json run{{"apiVersion", api::kApiVersion},
           {"kind", "PipelineRun"},
           {"metadata",
            {{"name", name},
             {"namespace", pipeline.meta.namespace_},
             {"labels", {{kLabelPipeline, pipeline.meta.name}, {kLabelCause, cause}}},
             {"ownerReferences", Json::array({{{"apiVersion", api::kApiVersion},
                                               {"kind", "Pipeline"},
                                               {"name", pipeline.meta.name},
                                               {"uid", pipeline.meta.uid},
                                               {"controller", true},
                                               {"blockOwnerDeletion", false}}})}}},
           {"spec", {{"pipelineRef", {{"name", pipeline.meta.name}}}}}};
  // Who changed the Pipeline last has started what it starts.
  if (const auto by = pipeline.meta.annotations.find(api::kSubmittedBy);
      by != pipeline.meta.annotations.end())
    run["metadata"]["annotations"][api::kSubmittedBy] = by->second;
  for (const auto& [key, value] : more_labels) run["metadata"]["labels"][key] = value;
  run["spec"].update(more_spec);
  return run;
}

}  // namespace penstock::plan
