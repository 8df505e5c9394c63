#include "components/router/admin/observations.h"

#include "components/router/observe/statistics.h"
#include "operator/base/json.h"

namespace penstock::router {

namespace {

int InFlight(const VersionView& version) {
  int sum = 0;
  for (const auto& endpoint : version.endpoints) sum += endpoint->in_flight;
  return sum;
}

Json ShadowToJson(const ShadowStatistics::Totals& totals) {
  const Comparison& sum = totals.sum;
  return {{"copied", totals.copied},
          {"dropped", totals.dropped},
          {"failed", totals.failed},
          {"compared", totals.compared},
          {"incomparable", totals.incomparable},
          {"rows", sum.rows},
          {"decisions", sum.decisions},
          {"flips", sum.flips},
          {"shift",
           {{"rows", sum.number_rows},
            {"lostRows", sum.lost_rows},
            {"values", sum.values},
            {"sum", sum.sum_a},
            {"shadowSum", sum.sum_b},
            {"sumAbsoluteDifference", sum.sum_absolute_difference},
            {"sumSquaredDifference", sum.sum_squared_difference},
            {"largestDifference", sum.largest_difference}}}};
}

Json VersionToJson(const VersionView& version) {
  const VersionTotals totals = version.statistics->Totals();
  Json ok_by_route = Json::object();
  for (std::size_t i = 0; i < kRouteKinds; ++i) {
    if (totals.ok_by_route[i] > 0)
      ok_by_route[Name(static_cast<RouteKind>(i))] = totals.ok_by_route[i];
  }
  return {{"requests", totals.requests},
          {"ok", totals.ok},
          {"okByRoute", std::move(ok_by_route)},
          {"clientErrors", totals.client_errors},
          {"serverErrors", totals.server_errors},
          {"timeouts", totals.timeouts},
          {"clientGone", totals.client_gone},
          {"retries", totals.retries},
          {"busySeconds", totals.busy_seconds},
          {"inFlight", InFlight(version)},
          {"inFlightSeconds", version.statistics->in_flight_seconds()},
          {"probes", totals.probes},
          {"endpoints", version.endpoints.size()},
          {"latency", {{"bounds", LatencyBounds()}, {"counts", totals.latency}}},
          {"shadow", ShadowToJson(version.shadow_statistics->Read())}};
}

Json Usable(bool there, const std::string& trouble) {
  Json json{{"inUse", there}};
  if (!trouble.empty()) json["trouble"] = trouble;
  return json;
}

Json DeploymentToJson(const DeploymentView& view, const Router::Picture& picture) {
  Json versions = Json::object();
  for (const VersionView& version : view.versions)
    versions[std::to_string(version.version)] = VersionToJson(version);
  const LiveDeployment& live = *view.live;
  Json json = {
      {"versions", std::move(versions)},          {"held", live.held.load()},
      {"heldTotal", live.held_total.load()},      {"holdRefused", live.hold_refused.load()},
      {"holdExpired", live.hold_expired.load()},  {"refused", live.bad_requests.load()},
      {"unauthorized", live.unauthorized.load()}, {"draining", Json::array()}};
  for (const auto& one : picture.draining) {
    if (one.deployment != view.name) continue;
    json["draining"].push_back({{"version", one.version},
                                {"address", one.endpoint.address},
                                {"port", one.endpoint.port},
                                {"inFlight", one.in_flight}});
  }
  const EdgeView& edge = view.edge;
  if (edge.secure) json["certificate"] = Usable(edge.tls != nullptr, edge.certificate_trouble);
  if (edge.rules) json["keys"] = Usable(edge.rules->keys != nullptr, edge.keys_trouble);
  const auto ejected = picture.ejected.find(view.name);
  if (ejected != picture.ejected.end())
    json["ejected"] = {{"version", ejected->second.version}, {"why", ejected->second.why}};
  const auto failed = picture.not_listening.find(view.name);
  if (failed != picture.not_listening.end()) json["notListening"] = failed->second;
  return json;
}

}  // namespace

Json Observations(const RouterIdentity& who, const Router::Picture& picture,
                  double sampled_seconds) {
  Json generation = Json::object();
  Json deployments = Json::object();
  if (picture.routes) {
    for (const auto& view : picture.routes->deployments) {
      // Acknowledged is what is in use and can be reached.
      if (picture.not_listening.count(view->name) == 0)
        generation[view->name] = view->resource_version;
      deployments[view->name] = DeploymentToJson(*view, picture);
    }
  }
  return {{"router", who.name},
          {"startedAt", FormatTime(who.started_at)},
          {"sampledSeconds", sampled_seconds},
          {"generation", std::move(generation)},
          {"connections", picture.connections},
          {"requests", picture.requests},
          {"grpc", picture.speaks_grpc},
          {"deployments", std::move(deployments)}};
}

}  // namespace penstock::router
