#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

Json ToJson(const ModelRef& model) {
  Json j = static_cast<const ArtifactRef&>(model);
  if (!model.source.empty()) j["source"] = model.source;
  return j;
}

std::optional<ModelRef> ParseModelRef(const std::string& json) {
  auto j = ParseJson(json, kAnnotationModelDigest);
  if (!j || !j->is_object()) return std::nullopt;
  try {
    ModelRef model(j->get<ArtifactRef>());
    model.source = j->value("source", "");
    if (!IsDigest(model.digest)) return std::nullopt;
    return model;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

ModelRef ModelOf(const api::ModelVersionStatus& v) {
  return {v.digest, v.folder, v.bytes, v.source};
}

void SetModel(const ModelRef& model, api::ModelVersionStatus& v) {
  v.digest = model.digest;
  v.folder = model.folder;
  v.bytes = model.bytes;
  v.source = model.source;
}

}  // namespace penstock::plan
