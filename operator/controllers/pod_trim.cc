#include "operator/controllers/pod_trim.h"

#include "operator/base/json.h"
#include "operator/plan/run_plan.h"

namespace penstock::controllers {

void TrimPod(Json& pod) {
  pod.erase("spec");
  Json& metadata = pod.at("metadata");
  if (metadata.contains("annotations") && metadata.at("annotations").is_object()) {
    metadata.at("annotations").erase(plan::kAnnotationTask);
  }
}

void TrimToMetadata(Json& object) {
  object.erase("spec");
  object.erase("status");
  object.erase("data");
}

}  // namespace penstock::controllers
