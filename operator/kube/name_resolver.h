// Host names to addresses, with a deadline.
//
// getaddrinfo() can hang for half a minute and cannot be cancelled, and Asio's resolver joins its
// thread in a destructor; so one process-wide thread looks names up, and callers wait for it only
// as long as they may. Answers are kept for 30 s, and used for longer while no new one comes.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::kube {

// The host's numeric addresses; of a numeric host, itself. kTransient when the name does not
// resolve in time, kCancelled when `stop` is used. Thread-safe.
[[nodiscard]] Result<std::vector<std::string>> ResolveHost(
    const std::string& host, std::chrono::steady_clock::time_point deadline, std::stop_token stop);

}  // namespace penstock::kube
