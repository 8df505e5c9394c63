// Pod statuses as a kubelet writes them. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"

namespace penstock::local {

// Pending. `reason` and `message` say why it is not scheduled; empty: it is, and starts soon.
[[nodiscard]] Json PendingStatus(const std::string& reason, const std::string& message,
                                 TimePoint now);

struct ContainerRun {
  std::string name;
  std::string image;
  TimePoint started;
};
// `ready`: the pod takes requests, since then, or takes none; of one without a readinessProbe as
// soon as it runs.
[[nodiscard]] Json RunningStatus(const std::vector<ContainerRun>& runs, bool ready,
                                 TimePoint since);

struct ContainerEnd {
  int exit_code = 0;
  int signal = 0;       // 0 = none
  std::string message;  // of the termination log
  TimePoint finished;
};
// `ends` as many as `runs`. Failed where one did not end with 0.
[[nodiscard]] Json EndedStatus(const std::vector<ContainerRun>& runs,
                               const std::vector<ContainerEnd>& ends);

// True for Succeeded and Failed.
[[nodiscard]] bool HasEnded(const Json& pod);

}  // namespace penstock::local
