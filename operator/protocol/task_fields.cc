#include "operator/protocol/task_fields.h"

#include "operator/base/sha256.h"

namespace penstock {

void ReadArtifact(TaskFields& r, ArtifactRef& a) {
  r.Get("digest", a.digest);
  r.Get("folder", a.folder);
  r.Get("bytes", a.bytes);
  if (!IsDigest(a.digest)) r.Fail("digest", "is not sha256: and 64 hex digits");
}

void CheckProtocol(TaskFields& r, int protocol) {
  if (protocol < 1 || protocol > kTaskProtocol)
    r.Fail("protocol", "is " + std::to_string(protocol) + "; this side speaks " +
                           std::to_string(kTaskProtocol) +
                           ": run an operator and a launcher at most one version apart");
}

void to_json(Json& j, const ArtifactRef& a) {
  j = Json{{"digest", a.digest}, {"bytes", a.bytes}};
  if (a.folder) j["folder"] = true;
}

void from_json(const Json& j, ArtifactRef& a) {
  a.digest = j.at("digest").get<std::string>();
  a.folder = j.value("folder", false);
  a.bytes = j.value("bytes", std::uint64_t{0});
}

}  // namespace penstock
