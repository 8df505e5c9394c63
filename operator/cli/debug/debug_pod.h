// A step's pod, made again to look around in. Blocks on the client; any thread.
#pragma once

#include <stop_token>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::cli {

// The same image, mounts and task, but the step's container sleeps for an hour and the pod is
// nobody's: no labels of ours, no owner, removed by hand or by its deadline.
[[nodiscard]] Json DebugTwin(const Json& pod);

// Waits until the pod runs, at most two minutes; the error says what it waits for.
[[nodiscard]] Result<void> AwaitRunning(kube::Client& client, const std::string& ns,
                                        const std::string& pod, std::stop_token stop);

// The content of the ConfigMap with the task's large parameters; "" when there is none.
[[nodiscard]] Result<std::string> TaskConfigOf(kube::Client& client, const Json& pod);

}  // namespace penstock::cli
