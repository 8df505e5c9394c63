// The locks that a pod runs under, as an annotation of the pod tells them: whoever holds one holds
// it as long as such a pod goes on, also where its run is gone. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace penstock::plan {

struct HeldLock {
  std::string name;
  std::string by;  // LockUser() of who took it: a step, an item or a run
  bool operator==(const HeldLock&) const = default;
};

// "<run UID>/<step>/<item>"; the step is empty where it is the run itself.
[[nodiscard]] std::string LockUser(const std::string& run_uid, const std::string& step,
                                   std::optional<int> item);

// As the annotation has them, and back; what is none of ours is left out.
[[nodiscard]] std::string EncodeHeldLocks(const std::vector<HeldLock>& locks);
[[nodiscard]] std::vector<HeldLock> DecodeHeldLocks(const std::string& text);

}  // namespace penstock::plan
