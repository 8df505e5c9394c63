#include "operator/controllers/pod_trim.h"

#include "operator/base/json.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {

void TrimPod(Json& pod) {
  pod.erase("spec");
  Json& metadata = pod.at("metadata");
  if (metadata.contains("annotations") && metadata.at("annotations").is_object()) {
    metadata.at("annotations").erase(plan::kAnnotationTask);
  }
}

void TrimToMetadata(Json& object) {
  for (const char* field : {"spec", "status", "endpoints", "ports"}) object.erase(field);
}

Json KeepIdentity(const Json& object) {
  Json kept;
  const Json& metadata = object.at("metadata");
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "ownerReferences"}) {
    if (const auto it = metadata.find(field); it != metadata.end()) kept["metadata"][field] = *it;
  }
  return kept;
}

Json KeepRunIdentity(const Json& run) {
  Json kept = KeepIdentity(run);
  const Json::json_pointer pipeline("/spec/pipelineRef");
  if (run.contains(pipeline)) kept[pipeline] = run.at(pipeline);
  return kept;
}

}  // namespace penstock::controllers
