// Measures a gate of a rollout that is asked elsewhere: a Prometheus query, an HTTP check. Blocks,
// ten seconds at most; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/api/rollout.h"
#include "operator/net/address_policy.h"

namespace penstock::rollouts {

struct GateMeasure {
  bool good = false;
  std::optional<double> value;  // of prometheus
  std::string error;            // nothing was measured: why; then `good` says nothing
  std::string message = {};     // what it stands on
  std::int64_t samples = 0;     // rows that were sent
};

struct GateMeasureOptions {
  // Held against every address: the URL comes from a user, the request from the operator. None: all
  // may be asked.
  net::AddressCheck may_ask = {};
  std::stop_token stop = {};
};

// prometheus: GET <url>/api/v1/query; good where the one value is between min and max. No value,
// several, or NaN measure nothing. http: GET without following redirects; good where status and
// text are as expected. An answer above 1 MiB measures nothing. Messages hold no query of the URL.
[[nodiscard]] GateMeasure MeasureGate(const api::GateSpec& gate, const GateMeasureOptions& options);

}  // namespace penstock::rollouts
