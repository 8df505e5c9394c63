#include "operator/controllers/model_actions.h"

#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"
#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_deployment_objects.h"

namespace penstock::controllers {
namespace {

class Carrying {
 public:
  Carrying(const Context& context, const plan::ModelObserved& observed)
      : context_(context), observed_(observed), meta_(observed.md.meta) {}

  Result<Json> operator()(const plan::ApplyDeployment& a) const {
    bool ours = false;
    for (const auto& deployment : observed_.deployments) ours |= deployment.name == a.name;
    return Apply(kube::kDeployments, a.name, a.deployment, ours);
  }
  Result<Json> operator()(const plan::ApplyService& a) const {
    bool ours = a.name == meta_.name && observed_.service.has_value();
    for (const auto& [version, _] : observed_.version_services)
      ours |= a.name == plan::VersionName(meta_.name, version);
    return Apply(kube::kServices, a.name, a.service, ours);
  }
  Result<Json> operator()(const plan::ApplyConfigMap& a) const {
    return Apply(kube::kConfigMaps, a.name, a.config_map, observed_.store.has_value());
  }
  Result<Json> operator()(const plan::ApplyCompanion& a) const {
    const auto there = observed_.companions.find(a.kind);
    return Apply(TypeOf(a.kind), a.name, a.object,
                 there != observed_.companions.end() && there->second.ours);
  }
  Result<Json> operator()(const plan::DeleteCompanion& a) const {
    return Delete(TypeOf(a.kind), a.name, a.uid);
  }
  Result<Json> operator()(const plan::PatchDeployment& a) const {
    return context_.client.MergePatch(kube::kDeployments, meta_.namespace_, a.name, a.patch, {},
                                      call_);
  }
  Result<Json> operator()(const plan::DeleteDeployment& a) const {
    return Delete(kube::kDeployments, a.name, a.uid);
  }
  Result<Json> operator()(const plan::DeleteService& a) const {
    return Delete(kube::kServices, a.name, a.uid);
  }

 private:
  Result<Json> Delete(const kube::ResourceType& type, const std::string& name,
                      const std::string& uid) const {
    kube::DeleteOptions options;
    options.uid = uid;
    auto done = context_.client.Delete(type, meta_.namespace_, name, options, call_);
    if (!done && done.error().kind != ErrorKind::kNotFound) return done.error();
    return Json();
  }

  // Server-side apply would take over whatever stands under the name.
  Result<Json> Apply(const kube::ResourceType& type, const std::string& name, const Json& object,
                     bool ours) const {
    if (!ours) {
      if (auto free = CheckNameIsFree(type, name); !free) return free.error();
    }
    return context_.client.Apply(type, meta_.namespace_, name, object, {}, call_);
  }

  Result<void> CheckNameIsFree(const kube::ResourceType& type, const std::string& name) const {
    auto found = context_.client.Get(type, meta_.namespace_, name, call_);
    if (!found) {
      if (found.error().kind == ErrorKind::kNotFound) return {};
      return found.error();
    }
    if (IsOwnedBy(*found, meta_.uid)) return {};
    return Error{ErrorKind::kAlreadyExists,
                 "it exists in namespace " + meta_.namespace_ +
                     " and is not of this ModelDeployment; delete or rename it"};
  }

  const Context& context_;
  const plan::ModelObserved& observed_;
  const api::ObjectMeta& meta_;
  const kube::Call call_{.stop = context_.stop};
};

struct Naming {
  std::string operator()(const plan::ApplyService& a) const { return "Service " + a.name; }
  std::string operator()(const plan::DeleteService& a) const { return "Service " + a.name; }
  std::string operator()(const plan::ApplyConfigMap& a) const { return "ConfigMap " + a.name; }
  std::string operator()(const plan::ApplyCompanion& a) const {
    return std::string(plan::KindOf(a.kind)) + " " + a.name;  // as plan::ObjectText
  }
  std::string operator()(const plan::DeleteCompanion& a) const {
    return std::string(plan::KindOf(a.kind)) + " " + a.name;
  }
  template <typename OfDeployment>
  std::string operator()(const OfDeployment& a) const {
    return "Deployment " + a.name;
  }
};

}  // namespace

const kube::ResourceType& TypeOf(plan::Companion kind) {
  return kind == plan::Companion::kRoute ? kube::kHTTPRoutes : kube::kDisruptionBudgets;
}

std::string ObjectOf(const plan::ModelAction& action) { return std::visit(Naming{}, action); }

Result<Json> Carry(const Context& context, const plan::ModelObserved& observed,
                   const plan::ModelAction& action) {
  return std::visit(Carrying(context, observed), action);
}

}  // namespace penstock::controllers
