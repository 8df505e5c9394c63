// The threads of one controller: each takes a key, reconciles it, and decides by the outcome when
// the key is looked at again. The one place where the retry decision of a reconcile stands.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "operator/base/result.h"
#include "operator/runtime/key_queue.h"

namespace penstock::runtime {

// Nothing = done until the next event; a time = look again then.
using Outcome = Result<std::optional<Milliseconds>>;

// What the program wants to hear of reconciles; called from any thread.
struct WorkerHooks {
  std::function<void(const std::string& level, const std::string& line)> log =
      [](const std::string&, const std::string&) {};
  // A reconcile took so long and ended in: success, requeue, or an ErrorKind's name.
  std::function<void(const std::string& controller, std::chrono::nanoseconds took,
                     const std::string& outcome)>
      reconciled = [](const std::string&, std::chrono::nanoseconds, const std::string&) {};
};

class Workers {
 public:
  using Reconcile = std::function<Outcome(const std::string& key)>;
  Workers(std::string name, const Clock& clock, const WorkerHooks& hooks, Reconcile reconcile);
  ~Workers();

  // Any thread, before Start too.
  void Wake(const std::string& key, Milliseconds after = Milliseconds{0});
  void Start(int threads);
  // Returns when no reconcile runs any more.
  void Stop();
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

 private:
  void Work(const std::stop_token& stop);
  [[nodiscard]] Outcome Guarded(const std::string& key) const;
  void Settle(const std::string& key, const Outcome& outcome);
  // A line of the log for an error of a key, unless the key has given just that one before.
  void Tell(const std::string& level, const std::string& key, const std::string& message);
  // What a kind of error means to whoever reconciles: another try when the server said, or one
  // after a back-off. What only a person can mend is tried again too, and told as an error.
  void OnError(const std::string& key, const Error& error);

  const std::string name_;
  const Clock& clock_;
  const WorkerHooks& hooks_;
  const Reconcile reconcile_;
  KeyQueue queue_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> told_;  // by key, until it succeeds
  std::vector<std::jthread> threads_;
};

}  // namespace penstock::runtime
