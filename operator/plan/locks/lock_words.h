// Locks of a namespace: who holds them and who asks, as it is told to the plan of one run. Value
// types; lock_plan.h decides.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/locks/held_locks.h"

namespace penstock::plan {

// What somebody holds, or asks for: all of the names at once.
struct LockUse {
  std::string by;   // identity: LockUser()
  std::string run;  // for people
  std::string step;
  std::optional<int> item;
  std::vector<std::string> names;
  std::int64_t turn = 0;  // asks are served in this order
  bool held = false;
};

struct LockFacts {
  std::vector<LockUse> others;               // of other runs of the namespace
  std::map<std::string, std::string> sizes;  // data of the ConfigMap api::kLockSizes
  std::vector<HeldLock> above;               // held by the runs above this one, around it
};

// How many may hold a lock, or why that is not known.
struct LockSize {
  int size = 1;
  std::string wrong;  // empty: it is known
};
[[nodiscard]] LockSize LockSizeOf(const std::string& lock,
                                  const std::map<std::string, std::string>& sizes);

// Who gets what, where all who hold and ask are known: those who hold keep it, also above the
// size; of those who ask, in the order of their turns, one gets its locks when each of them has a
// place left. One that waits keeps the places that it would have had before the first lock (by
// name) that has none, so that nobody overtakes it there.
class LockOrder {
 public:
  explicit LockOrder(const std::map<std::string, std::string>& sizes) : sizes_(sizes) {}

  // All at once, in any order. Gives those who ask and would get their locks now.
  [[nodiscard]] std::vector<const LockUse*> Serve(const std::vector<LockUse>& uses);
  // Somebody who asks behind all of them; true: it gets its locks.
  [[nodiscard]] bool ServeLast(const LockUse& use);

 private:
  [[nodiscard]] bool Take(const LockUse& use);

  const std::map<std::string, std::string>& sizes_;
  std::map<std::string, int> taken_;
};

}  // namespace penstock::plan
