// What a router answers to GET /observations, read. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/plan/rollout/observation.h"

namespace penstock::routers {

// Of one ModelDeployment.
struct DeploymentObservation {
  std::string acknowledged;                        // resourceVersion of the route that is in use
  std::vector<double> latency_bounds;              // seconds, ascending
  std::vector<rollout::VersionCounters> versions;  // ascending
  std::map<std::int64_t, int> endpoints;           // Ready ones that it knows, by version
  std::int64_t ejected = 0;                        // version; 0: none
  std::string ejected_why;                         // cut and escaped
  int held = 0;                                    // requests that wait for a server
  rollout::GuardFact certificate;                  // the same
  rollout::GuardFact keys;
};

struct Observations {
  std::string run;             // another text for each start of the router
  double sampled_seconds = 0;  // of each version's in_flight_seconds; 0: of none
  // False of one that was built without it, and of one of a release that says nothing of it.
  bool speaks_grpc = false;
  std::map<std::string, DeploymentObservation> deployments;  // by name
};

// Transient for what is no such answer. Counts that make no sense (negative, no number) are 0.
[[nodiscard]] Result<Observations> ParseObservations(std::string_view body);

}  // namespace penstock::routers
