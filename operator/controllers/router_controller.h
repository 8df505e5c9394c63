// Carries the routers of a namespace, which is the key: whether a ModelDeployment needs them ->
// plan::PlanRouters -> their objects by server-side apply; and asks them now and then what they
// have observed, so that they know of an operator.
//
// What the API server refuses is told in the status of the ModelDeployments that need them, and
// tried again with growing pauses. Reconcile may be called from many threads, never for one key
// twice at once; the rest from any.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/controllers/refusals.h"
#include "operator/controllers/watches.h"
#include "operator/plan/router/world.h"
#include "operator/routers/listener.h"
#include "operator/routers/observer.h"

namespace penstock::controllers {

class RouterController {
 public:
  using Wake = std::function<void(const std::string& ns, Milliseconds after)>;
  using WakeModel = std::function<void(const std::string& key)>;
  // Without `ask`, Ready routers are asked over HTTP.
  RouterController(const Context& context, routers::Observer::Ask ask, Wake wake,
                   WakeModel wake_model);

  [[nodiscard]] Outcome Reconcile(const std::string& ns);

  // Watches the routers' objects and pods.
  void AddTo(Watches& watches);
  // Whether, or how, the ModelDeployment goes through routers may be another question now.
  void OnModelDeployment(const std::string& ns);
  // Objects are looked at anew, whatever no watch told.
  void Resync();

  // The ModelDeployment has no servers: it is woken when a router holds a request for it.
  void Listen(const ObjectKey& md, bool listen) { listener_.Listen(md.ns, md.name, listen); }
  // Nobody is woken any more.
  void Stop() { listener_.Stop(); }

  // What the API server does not take of the routers of a namespace.
  [[nodiscard]] std::vector<plan::Refusal> Refused(const std::string& ns) const;
  // What the Ready routers said; see Observer::Look.
  [[nodiscard]] std::optional<std::vector<routers::RouterAnswer>> Look(const std::string& ns,
                                                                       const std::string& key,
                                                                       Milliseconds max_age) {
    return observer_.Look(ns, key, max_age);
  }
  // The Ready routers that are not asked; see Observer::NotAsked.
  [[nodiscard]] int NotAsked(const std::string& ns) const { return observer_.NotAsked(ns); }

 private:
  struct Memory {
    bool dirty = false;   // an object may stand otherwise than it was seen
    bool stands = false;  // some of them were there
    bool needed = false;
    std::vector<Json> image_pull_secrets;
    std::set<std::string> tls_secrets;
    std::set<std::pair<std::string, std::string>> key_maps;
    bool fetches_keys = false;
    std::optional<std::chrono::steady_clock::time_point> unneeded_since;
    std::vector<plan::Refusal> refused;
  };
  // An object of the routers, a pod of theirs.
  void OnObject(const kube::Change& change);
  void OnHeld(const std::string& ns, const std::string& name);
  void OnPod(const kube::Change& change);
  [[nodiscard]] plan::RoutersObserved Ask(const std::string& ns) const;
  // False: nothing can have changed since the last look at the objects.
  [[nodiscard]] bool MustLook(plan::RoutersObserved& observed);
  [[nodiscard]] Result<void> Observe(plan::RoutersObserved& observed) const;
  [[nodiscard]] RefusalReport Act(const plan::RoutersObserved& observed,
                                  const std::vector<plan::RouterAction>& actions);
  [[nodiscard]] Result<void> Carry(const plan::RoutersObserved& observed,
                                   const plan::RouterAction& action) const;
  [[nodiscard]] Outcome Settle(const std::string& ns, RefusalReport report,
                               std::optional<Milliseconds> requeue);
  void WakeModels(const std::string& ns) const;
  // Those without servers for which the router holds requests, or may: it did not answer.
  void WakeHeld(const std::string& ns, const routers::RouterAnswer& answer) const;

  const Context& context_;
  const Wake wake_;
  const WakeModel wake_model_;
  routers::RouterPods pods_;
  routers::Observer observer_;
  Refusals refusals_;
  mutable std::mutex mutex_;
  std::map<std::string, Memory> memories_;  // by namespace
  routers::Listener listener_;              // last: its threads use what stands above
};

}  // namespace penstock::controllers
