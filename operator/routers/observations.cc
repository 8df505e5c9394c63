#include "operator/routers/observations.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"

namespace penstock::routers {
namespace {

std::int64_t CountOf(const Json& v) {
  if (v.is_number_unsigned())
    return static_cast<std::int64_t>(
        std::min<std::uint64_t>(v.get<std::uint64_t>(), std::uint64_t{1} << 53));
  return v.is_number_integer() ? std::max<std::int64_t>(0, v.get<std::int64_t>()) : 0;
}
std::int64_t CountAt(const Json& j, const char* key) { return CountOf(Member(j, key)); }

int SmallCountAt(const Json& j, const char* key) {
  return static_cast<int>(std::min<std::int64_t>(CountAt(j, key), 1'000'000));
}

// 0 for what is no number of 0 or more.
double SecondsAt(const Json& j, const char* key) {
  const Json& v = Member(j, key);
  const double seconds = v.is_number() ? v.get<double>() : 0;
  return std::isfinite(seconds) && seconds > 0 ? seconds : 0;
}

std::int64_t VersionOf(const std::string& text) {
  std::int64_t v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() ? v : 0;
}

// A sum that is no number has overflown: JSON has no infinity.
rollout::ShiftSums ReadShift(const Json& shadow) {
  const Json& shift = Member(shadow, "shift");
  rollout::ShiftSums sums;
  if (!shift.is_object()) return sums;
  sums.rows = CountAt(shift, "rows");
  sums.lost_rows = CountAt(shift, "lostRows");
  sums.values = CountAt(shift, "values");
  const auto sum = [&](const char* key) {
    const Json& v = Member(shift, key);
    const double read = v.is_number() ? v.get<double>() : std::nan("");
    sums.overflown |= !std::isfinite(read) || read < 0;
    return sums.overflown ? 0.0 : read;
  };
  sums.absolute_differences = sum("sumAbsoluteDifference");
  sums.squared_differences = sum("sumSquaredDifference");
  return sums;
}

// The bounds are the router's, the same for all versions.
void ReadLatency(const Json& latency, DeploymentObservation& deployment,
                 rollout::VersionCounters& counters) {
  std::vector<double> bounds;
  if (const Json& all = Member(latency, "bounds"); all.is_array())
    for (const Json& bound : all)
      if (bound.is_number()) bounds.push_back(bound.get<double>());
  if (const Json& all = Member(latency, "counts"); all.is_array())
    for (const Json& count : all) counters.latency.push_back(CountOf(count));
  const bool fits = counters.latency.size() == bounds.size() + 1 &&
                    (deployment.latency_bounds.empty() || deployment.latency_bounds == bounds);
  if (fits) {
    deployment.latency_bounds = std::move(bounds);
  } else {
    counters.latency.clear();
  }
}

rollout::VersionCounters ReadVersion(std::int64_t version, const Json& said,
                                     DeploymentObservation& deployment) {
  rollout::VersionCounters counters;
  counters.version = version;
  counters.requests = CountAt(said, "requests");
  counters.ok = CountAt(said, "ok");
  counters.server_errors = CountAt(said, "serverErrors");
  counters.timeouts = CountAt(said, "timeouts");
  if (const Json& errors = Member(said, "clientErrors"); errors.is_object())
    for (const auto& [what, count] : errors.items()) counters.client_errors[what] = CountOf(count);
  ReadLatency(Member(said, "latency"), deployment, counters);
  const Json& shadow = Member(said, "shadow");
  counters.compared = CountAt(shadow, "decisions");  // rows; an answer may have many
  counters.flips = CountAt(shadow, "flips");
  counters.shift = ReadShift(shadow);
  counters.asked = std::max<std::int64_t>(
      0, counters.requests + CountAt(said, "clientGone") - CountAt(said, "probes"));
  counters.in_flight = SmallCountAt(said, "inFlight");
  counters.in_flight_seconds = SecondsAt(said, "inFlightSeconds");
  deployment.endpoints[version] = SmallCountAt(said, "endpoints");
  return counters;
}

rollout::GuardFact ReadGuard(const Json& said) {
  const Json& in_use = Member(said, "inUse");
  return {in_use.is_boolean() && in_use.get<bool>(), plan::Shown(TextAt(said, "trouble"), 512)};
}

DeploymentObservation ReadDeployment(const Json& said) {
  DeploymentObservation deployment;
  if (const Json& versions = Member(said, "versions"); versions.is_object())
    for (const auto& [name, version] : versions.items())
      if (const std::int64_t number = VersionOf(name); number > 0)
        deployment.versions.push_back(ReadVersion(number, version, deployment));
  std::sort(deployment.versions.begin(), deployment.versions.end(),
            [](const auto& a, const auto& b) { return a.version < b.version; });
  const Json& ejected = Member(said, "ejected");
  deployment.ejected = CountAt(ejected, "version");
  deployment.held = SmallCountAt(said, "held");
  deployment.ejected_why = plan::Shown(TextAt(ejected, "why"), 512);
  deployment.certificate = ReadGuard(Member(said, "certificate"));
  deployment.keys = ReadGuard(Member(said, "keys"));
  return deployment;
}

}  // namespace

Result<Observations> ParseObservations(std::string_view body) {
  auto said = ParseJson(body, "a router's observations");
  if (!said) return Transient(said.error().message);
  if (!said->is_object()) return Transient("a router's observations are no object");
  Observations observations;
  observations.run = TextAt(*said, "startedAt");
  observations.sampled_seconds = SecondsAt(*said, "sampledSeconds");
  if (const Json& grpc = Member(*said, "grpc"); grpc.is_boolean()) observations.speaks_grpc = grpc;
  if (const Json& deployments = Member(*said, "deployments"); deployments.is_object())
    for (const auto& [name, deployment] : deployments.items())
      observations.deployments[name] = ReadDeployment(deployment);
  if (const Json& generation = Member(*said, "generation"); generation.is_object())
    for (const auto& [name, version] : generation.items())
      if (version.is_string()) observations.deployments[name].acknowledged = version;
  return observations;
}

}  // namespace penstock::routers
