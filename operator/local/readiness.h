// A container's readinessProbe, asked as the kubelet asks it: of a pod on this machine.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::local {

// Runs a command where the container's processes are; true: it ended with 0 in time.
using ExecInContainer =
    std::function<bool(const std::vector<std::string>& command, std::stop_token stop)>;

// The probe of the pod's first container that has one; null: none has, the pod is ready at once.
[[nodiscard]] const Json* ReadinessProbeOf(const Json& pod);

// Asks once, at 127.0.0.1. Blocks, at most for the probe's timeoutSeconds.
[[nodiscard]] bool IsReady(const Json& probe, const ExecInContainer& exec, std::stop_token stop);

// Asks as often as the probe says, and more often before it has ever held, until a stop is asked
// for. `tell` gets each change: true at first, and false after as many failures as the probe
// allows.
void KeepAsking(const Json& probe, const ExecInContainer& exec,
                const std::function<void(bool ready)>& tell, std::stop_token stop);

}  // namespace penstock::local
