// Keeps the error bound of candidates while the operator is silent: what nobody has asked for 30 s
// nobody acts on. One thread calls Look, any calls Asked.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "components/router/proxy/router.h"
#include "operator/base/time.h"

namespace penstock::router {

inline constexpr auto kOperatorIsSilentAfter = std::chrono::seconds(30);

class Guard {
 public:
  // Both outlive it.
  Guard(Router* router, const Clock* clock);
  // The operator has read observations: what was counted until now is its own matter.
  void Asked();
  // To be called every second or so.
  void Look();

 private:
  using Key = std::pair<std::string, std::int64_t>;

  Router* const router_;
  const Clock* const clock_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point asked_;  // guarded by mutex_
  std::map<Key, VersionTotals> before_;          // guarded by mutex_
};

}  // namespace penstock::router
