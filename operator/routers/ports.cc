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

Result<int> Ports::Take(const api::ModelDeployment& md, const std::vector<Holder>& others,
                        Protocol protocol) {
  const std::lock_guard lock(mutex_);
  auto& given = given_[md.meta.namespace_];
  const Key key{md.meta.name, protocol};
  const bool is_grpc = protocol == Protocol::kGrpc;
  const api::RouterStatus& status = md.status.router;
  const int own = is_grpc ? status.grpc_port : status.port;
  const bool is_anothers = (is_grpc && own == status.port) ||
                           std::any_of(others.begin(), others.end(), [&](const Holder& other) {
                             return other.port == own && IsOlder(other.meta, md.meta);
                           });
  if (own != 0 && !is_anothers) return given[key] = own;
  std::set<int> taken{is_grpc ? status.port : status.grpc_port};
  for (const Holder& other : others) taken.insert(other.port);
  for (const auto& [other, port] : given)
    if (other != key) taken.insert(port);
  if (const auto it = given.find(key); it != given.end() && !taken.contains(it->second))
    return it->second;
  for (int port = plan::kFirstRoutePort; port <= plan::kLastRoutePort; ++port)
    if (!taken.contains(port)) return given[key] = port;
  return Invalid("all ports of the routers of namespace " + md.meta.namespace_ +
                 " are taken: a namespace has at most " +
                 std::to_string(plan::kLastRoutePort - plan::kFirstRoutePort + 1) +
                 " of them, one for each ModelDeployment behind routers and one more for its gRPC");
}

void Ports::Forget(const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = given_.find(ns);
  if (found == given_.end()) return;
  std::erase_if(found->second, [&](const auto& one) { return one.first.first == name; });
  if (found->second.empty()) given_.erase(found);
}

}  // namespace penstock::routers
