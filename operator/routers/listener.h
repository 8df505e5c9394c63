// Waits at the routers of namespaces in which a model has no servers, so that a request which a
// router holds is known at once: `GET /observations?wait=` is answered when one is. A thread for
// each such router, which sleeps. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/routers/router_pods.h"

namespace penstock::routers {

// Threads at most. Requests at other routers are noticed by whoever asks these for other reasons.
inline constexpr std::size_t kMostListening = 256;

class Listener {
 public:
  // The body of GET /observations, some time after a request is held. Blocks, at most to a deadline
  // of its own; ends soon when stopped.
  using Await = std::function<Result<std::string>(const RouterPod&, const std::stop_token&)>;
  // A request of `name` is held.
  using Held = std::function<void(const std::string& ns, const std::string& name)>;

  // `pods` must outlive it. `pause`: after each answer.
  Listener(const RouterPods& pods, Await await, Held held, Milliseconds pause = Milliseconds(400));
  ~Listener();  // as Stop

  // ModelDeployment `name` has no servers, or has some again.
  void Listen(const std::string& ns, const std::string& name, bool listen);
  // Routers have come or gone.
  void OnPods(const std::string& ns);
  // Ends and joins all threads; none begins from then on.
  void Stop();

  [[nodiscard]] std::size_t listening() const;  // threads

 private:
  void Settle(const std::string& ns, std::vector<std::jthread>* ended);
  void Run(const std::stop_token& stop, const std::string& ns, const RouterPod& pod);
  [[nodiscard]] std::set<std::string> NamesOf(const std::string& ns) const;

  const RouterPods& pods_;
  const Await await_;
  const Held held_;
  const Milliseconds pause_;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::map<std::string, std::set<std::string>> names_;                  // by namespace
  std::map<std::string, std::map<std::string, std::jthread>> threads_;  // by it, and pod UID
};

}  // namespace penstock::routers
