#include "operator/controllers/registered_target.h"

#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

bool FollowsRegistered(const std::string& model, const std::string& name) {
  const auto reference = api::ParseRegisteredReference(model);
  return reference && reference->model == name;
}

Result<void> FindRegistered(const Context& context, const api::RegisteredReference& reference,
                            plan::ModelObserved& observed) {
  const std::string& ns = observed.md.meta.namespace_;
  const kube::Call call{.stop = context.stop};
  std::int64_t version = reference.version;
  if (version == 0) {
    const auto object = context.client.Get(kube::kModels, ns, reference.model, call);
    if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
    const auto found =
        object ? api::DecodeRegisteredModel(*object).value.spec.VersionOf(reference.alias)
               : std::nullopt;
    if (!found) {
      observed.target_problem =
          object ? "the Model " + reference.model + " has no alias " + reference.alias +
                       ": `penstock model alias " + reference.model + " " + reference.alias +
                       " <version>` sets it"
                 : "there is no Model " + reference.model + " in namespace " + ns;
      return {};
    }
    version = *found;
  }
  const std::string name = api::VersionObjectName(reference.model, version);
  const auto object = context.client.Get(kube::kModelVersions, ns, name, call);
  if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
  if (!object) {
    observed.target_problem = "there is no ModelVersion " + name + " in namespace " + ns;
    return {};
  }
  const auto decoded = api::DecodeRegisteredVersion(*object);
  const auto& spec = decoded.value.spec;
  if (!decoded.errors.empty()) {
    observed.target_problem = "ModelVersion " + name + ": " + api::Describe(decoded.errors);
    return {};
  }
  observed.target = plan::ModelRef(spec.digest, spec.folder, spec.bytes, spec.source);
  observed.target_run = spec.run;
  return {};
}

}  // namespace penstock::controllers
