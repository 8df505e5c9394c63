#include "components/kubernetes/object_type.h"

#include "operator/base/json.h"

namespace penstock::kubernetes {

Result<ObjectType> FindType(kube::Client& client, const std::string& api_version,
                            const std::string& kind, std::stop_token stop) {
  ObjectType type;
  const std::size_t slash = api_version.find('/');
  if (slash != std::string::npos) type.group = api_version.substr(0, slash);
  type.version = api_version.substr(slash + 1);  // npos + 1 is 0
  type.kind = kind;
  const kube::ResourceType version{type.group, type.version, "", "", false};
  auto kinds = client.Get(version, "", "", {.stop = std::move(stop)});
  if (!kinds && kinds.error().kind == ErrorKind::kNotFound)
    return NotFound("manifest.apiVersion: the cluster has no " + api_version);
  if (!kinds) return kinds.error();
  const auto resources = kinds->find("resources");
  if (resources != kinds->end() && resources->is_array())
    for (const Json& one : *resources) {
      if (!one.is_object() || one.value("kind", "") != kind) continue;
      const std::string name = one.value("name", "");
      if (name.empty() || name.find('/') != std::string::npos) continue;  // a subresource
      type.plural = name;
      type.namespaced = one.value("namespaced", true);
      return type;
    }
  return NotFound("manifest.kind: the cluster has no " + kind + " in " + api_version);
}

}  // namespace penstock::kubernetes
