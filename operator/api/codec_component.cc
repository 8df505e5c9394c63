// The kinds without a status.
#include "operator/api/fields_component.h"
#include "operator/api/fields_gate.h"
#include "operator/api/object_codec.h"

namespace penstock::api {

Decoded<Component> DecodeComponent(const Json& object) {
  Decoded<Component> out =
      DecodeObject<Component>(object, "Component", kRequiredObjectName, [](Reader&, Component&) {});
  const Component& c = out.value;
  const std::string name = c.spec.name + "-" + c.spec.version;
  if (!c.spec.name.empty() && !c.spec.version.empty() && c.meta.name != name)
    out.errors.push_back({"metadata.name", "must be spec.name-spec.version: \"" + name + "\""});
  return out;
}

Json Encode(const ComponentSpec& s) { return EncodeFields(s, false); }

Json Encode(const Component& o) {
  Json out = EncodeEnvelope(o.meta, "Component");
  out["spec"] = Encode(o.spec);
  return out;
}

Decoded<Approval> DecodeApproval(const Json& object) {
  return DecodeObject<Approval>(object, "Approval", kRequiredObjectName, [](Reader&, Approval&) {});
}

Json Encode(const Approval& o) {
  Json out = EncodeEnvelope(o.meta, "Approval");
  out["spec"] = EncodeFields(o.spec, false);
  return out;
}

}  // namespace penstock::api
