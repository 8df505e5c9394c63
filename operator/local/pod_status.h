// Pod statuses as a kubelet writes them. Pure.
#pragma once

#include <string>

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
[[nodiscard]] Json RunningStatus(const ContainerRun& run);

struct ContainerEnd {
  int exit_code = 0;
  int signal = 0;       // 0 = none
  std::string message;  // of the termination log
  TimePoint finished;
};
[[nodiscard]] Json EndedStatus(const ContainerRun& run, const ContainerEnd& end);

// True for Succeeded and Failed.
[[nodiscard]] bool HasEnded(const Json& pod);

}  // namespace penstock::local
