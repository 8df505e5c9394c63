// The component `http`: asks a server, judges its answer, and asks again until it is as wanted.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "components/sdk/step.h"
#include "operator/base/pause.h"

namespace penstock::http {

// Waits between two questions; false when stopped.
using PauseFor = std::function<bool(std::chrono::milliseconds, const std::stop_token&)>;

// The parameters, inputs, outputs and results of component.yaml. `environment` is the process's:
// what headers take of it, and its proxies. Says on stdout what the server answered, once while it
// stays the same. Blocks; kCancelled within a second of `stop`.
[[nodiscard]] Result<void> RunHttp(sdk::Step& step,
                                   const std::map<std::string, std::string>& environment,
                                   std::stop_token stop, const PauseFor& pause = Pause);

}  // namespace penstock::http
