#include "operator/api/fields_run.h"
#include "operator/api/object_codec.h"

namespace penstock::api {

const char* Name(StepPhase phase) {
  for (const auto& p : kStepPhases)
    if (p.value == phase) return p.name;
  return "?";
}

Decoded<PipelineRun> DecodePipelineRun(const Json& object) {
  return DecodeObject<PipelineRun>(object, "PipelineRun", kRequiredObjectName,
                                   [](Reader& r, PipelineRun& p) { Fields(r, p.status); });
}

Json Encode(const PipelineRunSpec& s) { return EncodeFields(s, false); }
Json Encode(const PipelineRunStatus& s) { return EncodeFields(s, true); }

Json Encode(const PipelineRun& o) {
  Json out = EncodeEnvelope(o.meta, "PipelineRun");
  out["spec"] = Encode(o.spec);
  const bool visited = o.status.observed_generation != 0 || !o.status.conditions.empty() ||
                       o.status.start_time || o.status.finish_time || o.status.summary.total != 0 ||
                       !o.status.steps.empty() || !o.status.revision.empty() ||
                       !o.status.outputs.empty();
  if (visited) out["status"] = Encode(o.status);
  return out;
}

}  // namespace penstock::api
