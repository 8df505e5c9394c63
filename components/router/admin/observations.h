// What a router has seen, for the operator and for Prometheus. Pure.
#pragma once

#include <string>

#include "components/router/proxy/router.h"
#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::router {

struct RouterIdentity {
  std::string name;  // of the pod
  TimePoint started_at;
};

// Cumulative since the start (README.md of this folder has the form). `sampled_seconds`:
// LoadSampler's.
[[nodiscard]] Json Observations(const RouterIdentity& who, const Router::Picture& picture,
                                double sampled_seconds);
// Prometheus' text format 0.0.4.
[[nodiscard]] std::string Exposition(const Router::Picture& picture);

}  // namespace penstock::router
