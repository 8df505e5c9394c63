// One pod that the process runner runs, as its threads share it.
//
// Owned by the runner. Its own thread runs the pod's process; any thread may ask it to stop.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/json.h"
#include "operator/os/child_process.h"

namespace penstock::local {

// A pod on its way. `mutex` guards what another thread touches.
struct PodWorker {
  Json pod;
  std::string uid, ns, name;
  std::stop_source stop;  // used by a deletion or by Stop()
  std::mutex mutex;
  std::chrono::seconds grace{0};
  bool removed = false;                 // the object is gone already
  std::vector<ChildProcess*> children;  // of each container
  // Under the runner's mutex_:
  bool done = false;
  bool end_seen = false;  // the pod was shown as ended, or is gone
  std::jthread thread;

  void RequestStop(std::chrono::seconds with_grace, bool object_removed) {
    {
      const std::scoped_lock lock(mutex);
      grace = stop.stop_requested() ? std::min(grace, with_grace) : with_grace;
      removed = removed || object_removed;
      for (ChildProcess* child : children) child->Wake();
    }
    stop.request_stop();
  }

  // The grace period of an end that nobody asked for; one that was asked for stays.
  void RequestGrace(std::chrono::seconds own) {
    const std::scoped_lock lock(mutex);
    if (!stop.stop_requested()) grace = own;
  }

  // SIGTERM to all, and which of them have ended within the grace period. Of `ends` those that are
  // known stay. The worker's own thread alone writes `children`.
  void EndChildren(std::vector<std::optional<ChildExit>>& ends) {
    for (ChildProcess* child : children) child->Terminate();
    const auto left_of_grace = [this] {
      const std::scoped_lock lock(mutex);
      return std::chrono::duration_cast<std::chrono::milliseconds>(grace);
    };
    const auto end = std::chrono::steady_clock::now() + left_of_grace();
    for (std::size_t i = 0; i < children.size(); ++i) {
      while (!ends[i]) {
        // A second deletion may shorten the grace period, so a wake-up counts it anew.
        const auto now = std::chrono::steady_clock::now();
        const auto left = std::min(std::chrono::duration_cast<std::chrono::milliseconds>(end - now),
                                   left_of_grace());
        if (left.count() <= 0) return;
        ends[i] = children[i]->Wait(left);
      }
    }
  }
};

}  // namespace penstock::local
