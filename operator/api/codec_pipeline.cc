#include "operator/api/fields_pipeline.h"
#include "operator/api/object_codec.h"

namespace penstock::api {

const char* Name(ValueType type) {
  for (const auto& t : kValueTypes)
    if (t.value == type) return t.name;
  return "?";
}

Decoded<Pipeline> DecodePipeline(const Json& object) {
  return DecodeObject<Pipeline>(object, "Pipeline", {kMaxPipelineName, &kDnsLabel, true},
                                [](Reader& r, Pipeline& p) { Fields(r, p.status); });
}

Decoded<PipelineSpec> DecodePipelineSpec(const Json& spec, const std::string& path) {
  Decoded<PipelineSpec> out;
  Reader reader(spec, path, &out.errors);
  Fields(reader, out.value);
  reader.Finish();
  return out;
}

Json Encode(const PipelineSpec& s) { return EncodeFields(s, false); }
Json Encode(const NestedPipeline& s) { return EncodeFields(s, false); }
Json Encode(const StepSpec& s) { return EncodeFields(s, false); }
Json Encode(const PipelineStatus& s) { return EncodeFields(s, true); }

Json Encode(const Pipeline& o) {
  Json out = EncodeEnvelope(o.meta, "Pipeline");
  out["spec"] = Encode(o.spec);
  if (Json status = Encode(o.status); !status.empty()) out["status"] = std::move(status);
  return out;
}

}  // namespace penstock::api
