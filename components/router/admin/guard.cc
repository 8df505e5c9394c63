#include "components/router/admin/guard.h"

#include "components/router/observe/self_ejection.h"

namespace penstock::router {

namespace {

// What the versions but this one were asked.
VersionTotals Others(const DeploymentView& view, std::int64_t version) {
  VersionTotals sum;
  for (const VersionView& other : view.versions) {
    if (other.version == version) continue;
    const VersionTotals totals = other.statistics->Totals();
    sum.requests += totals.requests;
    for (const auto& [kind, count] : totals.client_errors) sum.client_errors[kind] += count;
  }
  return sum;
}

std::optional<double> BoundOf(const RouteTable& table, const std::string& name,
                              std::int64_t version) {
  for (const DeploymentRoute& route : table.deployments) {
    if (route.name != name) continue;
    for (const VersionRoute& one : route.versions) {
      if (one.version == version) return one.max_error_rate;
    }
  }
  return std::nullopt;
}

}  // namespace

Guard::Guard(Router* router, const Clock* clock)
    : router_(router), clock_(clock), asked_(clock->Steady()) {}

void Guard::Asked() {
  const auto picture = router_->Look();
  std::lock_guard lock(mutex_);
  asked_ = clock_->Steady();
  before_.clear();
  if (!picture.routes) return;
  for (const auto& view : picture.routes->deployments) {
    for (const VersionView& version : view->versions)
      before_[{view->name, version.version}] = version.statistics->Totals();
  }
}

void Guard::Look() {
  const auto picture = router_->Look();
  if (!picture.routes) return;
  std::lock_guard lock(mutex_);
  if (clock_->Steady() - asked_ < kOperatorIsSilentAfter) return;
  for (const auto& view : picture.routes->deployments) {
    for (const VersionView& version : view->versions) {
      const auto bound = BoundOf(*picture.table, view->name, version.version);
      if (!bound || version.weight == 0) continue;
      const VersionTotals now = version.statistics->Totals();
      const std::string why = WhyBeyond(
          CountErrors(now, before_[{view->name, version.version}], Others(*view, version.version)),
          *bound);
      if (!why.empty()) router_->Eject(view->name, version.version, why);
    }
  }
}

}  // namespace penstock::router
