// JSON to structs and back, for every kind.
//
// Decoding is strict about types and enums and says every error at once with its path; an unknown
// field is an error too (the API server prunes them, so only local files can hold one). Pure.
#pragma once

#include <vector>

#include "operator/api/approval.h"
#include "operator/api/component.h"
#include "operator/api/model_deployment.h"
#include "operator/api/pipeline.h"
#include "operator/api/pipeline_run.h"

namespace penstock::api {

template <typename T>
struct Decoded {
  T value;
  std::vector<FieldError> errors;  // empty: the value is whole
};

[[nodiscard]] Decoded<Pipeline> DecodePipeline(const Json& object);
[[nodiscard]] Decoded<PipelineRun> DecodePipelineRun(const Json& object);
[[nodiscard]] Decoded<Component> DecodeComponent(const Json& object);
[[nodiscard]] Decoded<Approval> DecodeApproval(const Json& object);
[[nodiscard]] Decoded<ModelDeployment> DecodeModelDeployment(const Json& object);
[[nodiscard]] Decoded<PipelineSpec> DecodePipelineSpec(const Json& spec, const std::string& path);

[[nodiscard]] ObjectMeta DecodeMeta(const Json& object);  // never fails; absent fields stay empty
[[nodiscard]] std::vector<Condition> DecodeConditions(const Json& list);

// A whole object: apiVersion, kind, metadata, spec, and status when it says anything.
[[nodiscard]] Json Encode(const Pipeline& o);
[[nodiscard]] Json Encode(const PipelineRun& o);
[[nodiscard]] Json Encode(const Component& o);
[[nodiscard]] Json Encode(const Approval& o);
[[nodiscard]] Json Encode(const ModelDeployment& o);
[[nodiscard]] Json Encode(const PipelineSpec& s);
[[nodiscard]] Json Encode(const NestedPipeline& s);
[[nodiscard]] Json Encode(const StepSpec& s);
[[nodiscard]] Json Encode(const ComponentSpec& s);
[[nodiscard]] Json Encode(const PipelineRunSpec& s);
[[nodiscard]] Json Encode(const ModelDeploymentSpec& s);
[[nodiscard]] Json Encode(const PipelineStatus& s);
[[nodiscard]] Json Encode(const PipelineRunStatus& s);
[[nodiscard]] Json Encode(const ModelDeploymentStatus& s);
[[nodiscard]] Json Encode(const std::vector<Condition>& c);
[[nodiscard]] Json Encode(const OwnerReference& o);

}  // namespace penstock::api
