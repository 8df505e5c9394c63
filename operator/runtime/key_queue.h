// Keys that wait for a worker. A key is never handed to two workers at once: what is added while
// it is worked on is handed out again afterwards. A key waits once: the sooner of two times counts,
// because whoever works on it says anew when to look again. Thread-safe.
//
//   Add -> [delayed] -> ready -> Take -> working -> Done -> (ready again, when added meanwhile)
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "operator/base/time.h"

namespace penstock::runtime {

class KeyQueue {
 public:
  explicit KeyQueue(const Clock& clock) : clock_(clock) {}

  void Add(const std::string& key, Milliseconds after = Milliseconds{0});
  // After a failure: 5 ms, doubling to 60 s, counted from the last Forget.
  void AddAfterFailure(const std::string& key);
  void Forget(const std::string& key);

  // Waits for a key; nullopt when stopped.
  [[nodiscard]] std::optional<std::string> Take(const std::stop_token& stop);
  void Done(const std::string& key);

  [[nodiscard]] std::size_t size() const;  // ready and delayed

 private:
  using Instant = std::chrono::steady_clock::time_point;
  void Ready(const std::string& key);
  [[nodiscard]] Instant Promote();  // when the next delayed key is due; far away when none is

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> ready_;
  std::set<std::string> waiting_;  // in ready_, or to be put there by Done
  std::set<std::string> working_;
  std::map<std::string, Instant> delayed_;
  std::set<std::pair<Instant, std::string>> by_time_;
  std::map<std::string, int> failures_;
};

}  // namespace penstock::runtime
