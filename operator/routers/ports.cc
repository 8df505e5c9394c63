#include "operator/routers/ports.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "operator/plan/router/names.h"

namespace penstock::routers {
namespace {

bool IsOlder(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  return std::tie(a.created, a.uid) < std::tie(b.created, b.uid);
}

}  // namespace

Result<int> Ports::Take(const api::ModelDeployment& md, const std::vector<Holder>& others) {
  const std::lock_guard lock(mutex_);
  auto& given = given_[md.meta.namespace_];
  const int own = md.status.router.port;
  const bool is_anothers = std::any_of(others.begin(), others.end(), [&](const Holder& other) {
    return other.port == own && IsOlder(other.meta, md.meta);
  });
  if (own != 0 && !is_anothers) return given[md.meta.name] = own;
  std::set<int> taken;
  for (const Holder& other : others) taken.insert(other.port);
  for (const auto& [name, port] : given)
    if (name != md.meta.name) taken.insert(port);
  if (const auto it = given.find(md.meta.name); it != given.end() && !taken.contains(it->second))
    return it->second;
  for (int port = plan::kFirstRoutePort; port <= plan::kLastRoutePort; ++port)
    if (!taken.contains(port)) return given[md.meta.name] = port;
  return Invalid("all ports of the routers of namespace " + md.meta.namespace_ +
                 " are taken: a namespace has at most " +
                 std::to_string(plan::kLastRoutePort - plan::kFirstRoutePort + 1) +
                 " ModelDeployments behind routers");
}

void Ports::Forget(const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = given_.find(ns);
  if (found == given_.end()) return;
  found->second.erase(name);
  if (found->second.empty()) given_.erase(found);
}

}  // namespace penstock::routers
