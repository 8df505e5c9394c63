#include "operator/artifacts/s3/objects_by_namespace.h"

#include <optional>
#include <set>

#include "operator/base/try.h"

namespace penstock::artifacts {

Result<std::vector<std::string>> ObjectsByNamespace::Names(const std::string& folder) const {
  if (!folder.empty()) return Of(folder).Names(folder);
  PENSTOCK_ASSIGN(const auto shared, others_->Names(""));
  std::set<std::string> names;
  for (const std::string& name : shared)
    if (!own_.contains(name)) names.insert(name);
  for (const auto& [ns, objects] : own_) {
    PENSTOCK_ASSIGN(const auto kinds, objects->Names(ns));
    if (!kinds.empty()) names.insert(ns);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::string> ObjectsByNamespace::Look() const {
  PENSTOCK_ASSIGN(std::string all, others_->Look());
  for (const auto& [ns, objects] : own_) {
    auto one = objects->Look();
    if (!one) return Wrap("the store of namespace " + ns, one.error());
    all += (all.empty() ? "" : "; ") + ns + " in " + *one;
  }
  return all;
}

Result<int> ObjectsByNamespace::RemoveLeftovers(std::chrono::seconds age) const {
  auto removed = others_->RemoveLeftovers(age);
  std::optional<Error> failed;  // one store's trouble keeps no other from its cleaning
  for (const auto& [ns, objects] : own_) {
    auto more = objects->RemoveLeftovers(age);
    if (!more && !failed) failed = Wrap("the store of namespace " + ns, more.error());
    if (more && removed) *removed += *more;
  }
  if (removed && failed) return *failed;
  return removed;
}

}  // namespace penstock::artifacts
