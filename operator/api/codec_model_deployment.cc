#include "operator/api/fields_model_deployment.h"
#include "operator/api/object_codec.h"

namespace penstock::api {

Decoded<ModelDeployment> DecodeModelDeployment(const Json& object) {
  return DecodeObject<ModelDeployment>(object, "ModelDeployment",
                                       {kMaxModelDeploymentName, &kDns1035, true},
                                       [](Reader& r, ModelDeployment& m) { Fields(r, m.status); });
}

Json Encode(const ModelDeploymentSpec& s) { return EncodeFields(s, false); }
Json Encode(const ModelDeploymentStatus& s) { return EncodeFields(s, true); }

Json Encode(const ModelDeployment& o) {
  Json out = EncodeEnvelope(o.meta, "ModelDeployment");
  out["spec"] = Encode(o.spec);
  const bool visited = o.status.observed_generation != 0 || !o.status.conditions.empty() ||
                       o.status.stable || o.status.candidate || o.status.replicas != 0 ||
                       !o.status.history.empty() || !o.status.url.empty() ||
                       !o.status.selector.empty();
  if (visited) out["status"] = Encode(o.status);
  return out;
}

}  // namespace penstock::api
