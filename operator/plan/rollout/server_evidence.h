// What Penstock's own servers tell of themselves, for gates that routers know nothing of: the time
// in the queue and the time of the computation apart, and how far requests are from training. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/rollout.h"
#include "operator/plan/rollout/observation.h"

namespace penstock::rollout {

// As evidence and questions call the look at all servers; no gate can have this name.
inline constexpr const char* kServersCheck = ".servers";
// At most so many servers of a version are looked at, the first by their pods' names.
inline constexpr std::size_t kMostServers = 8;
// A server's index of fewer rows than these is more chance than drift: of B bins and n rows that
// come as in training it is about (B - 1) / n (Yurdakul, "Statistical properties of population
// stability index", 2018), and B is 22 at most.
inline constexpr std::int64_t kLeastDriftRows = 1'000;
// Below this, indexes are all the same to maxRatioToStable.
inline constexpr double kLeastDrift = 0.1;

// metric: queueP50 ... computeP99.
[[nodiscard]] bool IsOfQueue(const api::GateSpec& gate);
[[nodiscard]] bool IsOfCompute(const api::GateSpec& gate);
// It needs what servers tell of themselves.
[[nodiscard]] bool NeedsServers(const api::GateSpec& gate);
[[nodiscard]] bool NeedServers(const std::vector<api::GateSpec>& gates);

// What servers counted, as if each had a router of its own: for an experiment, whose requests no
// router counts.
[[nodiscard]] std::vector<RouterFact> AsRouters(const std::vector<ServerFact>& servers);

// One measurement of metric drift: the column whose population stability index is the highest, over
// the servers of each version, each counting by its rows. (The index is convex, so that it is no
// lower than that of all rows together.) Good where the candidate's is within max, or within
// maxRatioToStable times the stable version's. `error`: nothing was measured, and why.
[[nodiscard]] Measurement MeasureDrift(const api::GateSpec& gate,
                                       const std::vector<ServerFact>& servers, std::int64_t stable,
                                       std::int64_t candidate, TimePoint now);

}  // namespace penstock::rollout
