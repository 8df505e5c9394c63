// Requests under way over time, which is the load that an operator scales servers by: looks at a
// moment of its own choice in every twentieth of a second, so that no client is in step with it.
// Copies for a shadow are no load: nobody waits for them.
// Owns its thread.
#pragma once

#include <atomic>
#include <thread>

#include "components/router/proxy/router.h"

namespace penstock::router {

// Adds what is under way now, for `seconds` of it, to each version's statistics.
void SampleLoad(const Router::Picture& picture, double seconds);

class LoadSampler {
 public:
  explicit LoadSampler(Router* router);  // which outlives it
  // What was looked at since the start: VersionStatistics::in_flight_seconds of it is the mean.
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  void Run(const std::stop_token& stop);

  Router* const router_;
  std::atomic<double> seconds_{0};
  std::jthread thread_;
};

}  // namespace penstock::router
