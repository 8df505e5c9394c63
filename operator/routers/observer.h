// Asks the Ready routers of a namespace what they have observed, all of them in one round, on
// another pool of threads. Thread-safe.
//
// An answer is as old as the end of its round. Whoever asks for younger ones begins the next round,
// and is woken when it is over, like everybody who asked meanwhile: a router that does not answer
// costs a round its deadline, and is told as one that did not.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/routers/observations.h"
#include "operator/routers/router_pods.h"

namespace penstock::routers {

// What a Ready router said.
struct RouterAnswer {
  RouterPod pod;
  std::shared_ptr<const Observations> said;  // null: it did not answer
  std::string trouble;                       // why
};

// What they say of one ModelDeployment; those that did not answer are left out.
[[nodiscard]] std::vector<rollout::RouterFact> FactsOf(const std::vector<RouterAnswer>& answers,
                                                       const std::string& model_deployment);

class Observer {
 public:
  // The body of GET /observations. May block, to a deadline of its own.
  using Ask = std::function<Result<std::string>(const RouterPod&)>;
  using Submit = std::function<void(const std::string& ns, std::function<void()> work)>;
  using Wake = std::function<void(const std::string& key)>;

  // `pods` and `clock` must outlive it, and so must it what it has submitted.
  Observer(const RouterPods& pods, const Clock& clock, Submit submit, Ask ask, Wake wake);

  // One answer a router that is Ready now, none of them older than `max_age`. nullopt: they are
  // asked now, and `key` is woken.
  [[nodiscard]] std::optional<std::vector<RouterAnswer>> Look(const std::string& ns,
                                                              const std::string& key,
                                                              Milliseconds max_age);
  // Ready routers beyond those that a round asks: nothing is known of them.
  [[nodiscard]] int NotAsked(const std::string& ns) const;
  // What was answered is old: the next look asks anew.
  void Expire(const std::string& ns);
  // Nobody of the namespace goes through routers any more.
  void Forget(const std::string& ns);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Round {
    std::optional<Instant> ended;                  // of the answers
    std::map<std::string, RouterAnswer> answers;   // by the pod's UID
    std::map<std::string, RouterAnswer> incoming;  // of the round that is under way
    std::size_t missing = 0;                       // of it; 0: none is under way
    std::set<std::string> waiting;
  };
  [[nodiscard]] bool IsFresh(const Round& round, const std::vector<RouterPod>& ready,
                             Milliseconds max_age) const;
  void AskOne(const std::string& ns, const RouterPod& pod);
  void Take(const std::string& ns, RouterAnswer answer);

  const RouterPods& pods_;
  const Clock& clock_;
  const Submit submit_;
  const Ask ask_;
  const Wake wake_;
  mutable std::mutex mutex_;
  std::map<std::string, Round> rounds_;  // by namespace
};

}  // namespace penstock::routers
