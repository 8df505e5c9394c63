// Carries a ModelDeployment: which model to serve -> plan::PlanModelDeployment -> Deployments and
// Service by server-side apply, status.
//
// There are few of these and their Deployments change seldom, so each visit reads what stands from
// the API server instead of keeping it in memory. What the API server refuses is told in the status
// and tried again with growing pauses. Reconcile may be called from many threads, never for one key
// twice at once.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "operator/controllers/context.h"
#include "operator/controllers/refusals.h"
#include "operator/controllers/router_controller.h"
#include "operator/plan/model/world.h"
#include "operator/rollouts/gate_probes.h"
#include "operator/rollouts/report_store.h"
#include "operator/routers/ports.h"

namespace penstock::controllers {

class ModelDeploymentController {
 public:
  ModelDeploymentController(const Context& context, RouterController& routers,
                            std::function<void(const std::string& key, Milliseconds after)> wake,
                            rollouts::AskServer ask_server = {})
      : context_(context),
        routers_(routers),
        wake_(std::move(wake)),
        refusals_(context.clock),
        unread_(context.clock),
        probes_({context.submit_sources, context.settings.may_ask, context.settings.local_files,
                 context.stop, std::move(ask_server),
                 [this](const std::string& ns, const api::RowsGate& rows) {
                   return ReadRows(ns, rows);
                 }},
                context.clock, wake_),
        reports_({context.store, context.clock, context.submit_io, context.warn, wake_}) {}

  [[nodiscard]] Outcome Reconcile(const std::string& key);
  // The object is gone.
  void Forget(const std::string& key);

 private:
  using Deployment = ObjectTable<Known<api::ModelDeployment>>::Snapshot;
  using Instant = std::chrono::steady_clock::time_point;

  // An object as our last apply left it.
  struct Applied {
    std::string uid;
    std::int64_t generation = 0;
    friend bool operator==(const Applied&, const Applied&) = default;
  };
  // What is remembered between visits. Of ages only a steady clock is asked.
  struct Memory {
    std::int64_t service_version = 0;
    bool service_to_routers = false;
    Instant service_since;                   // first seen to point there
    std::optional<Instant> no_router_since;  // none was Ready
    rollout::Evidence evidence;              // of the last plan
    scaling::Load load;                      // of the last plan
    std::string digest;                      // of spec.model, that `misses` counts
    int misses = 0;                          // how often the store did not have it
    std::map<plan::Companion, Applied> applied;
  };

  // Of model_target.cc. False: the digest is looked up in the store now; the key will be woken.
  [[nodiscard]] bool FindTarget(const std::string& key, plan::ModelObserved& observed);
  [[nodiscard]] bool FindDigest(const std::string& key, const std::string& digest,
                                plan::ModelObserved& observed);
  void FetchDigest(const std::string& ns, const std::string& digest);
  [[nodiscard]] Milliseconds NoteMiss(const std::string& key, const std::string& digest);
  // False: the routers are asked now; the key will be woken.
  [[nodiscard]] bool ObserveRouters(const std::string& key, plan::ModelObserved& observed,
                                    RefusalReport& report);
  [[nodiscard]] Result<void> Observe(plan::ModelObserved& observed) const;
  // What cannot be read of them is told and asked for again with growing pauses; all else goes on.
  [[nodiscard]] Result<void> ObserveCompanions(const std::string& key,
                                               plan::ModelObserved& observed);
  void NoteApplied(const std::string& key, const plan::ModelAction& action, const Json& object);
  [[nodiscard]] Result<void> ObserveService(plan::ModelObserved& observed) const;
  [[nodiscard]] Result<void> ObserveVersionServices(plan::ModelObserved& observed) const;
  // What earlier visits learned of the candidate, and what its gates measured since.
  void RecallEvidence(const std::string& key, plan::ModelObserved& observed);
  void KeepEvidence(const std::string& key, const plan::ModelPlan& plan);
  // The data of a gate's ConfigMap. Not found, or invalid, names it.
  [[nodiscard]] Result<std::string> ReadRows(const std::string& ns,
                                             const api::RowsGate& rows) const;
  void NoteService(const std::string& key, plan::ModelObserved& observed);

  void Act(const std::string& key, const plan::ModelObserved& observed,
           const std::vector<plan::ModelAction>& actions, RefusalReport& report);
  // Writes what the plan says, once more with what became of its actions where it was refused.
  [[nodiscard]] Outcome Tell(const Known<api::ModelDeployment>& md, plan::ModelObserved observed,
                             plan::ModelPlan plan, RefusalReport report);
  [[nodiscard]] plan::ModelPlan Plan(const plan::ModelObserved& observed) const;

  const Context& context_;
  RouterController& routers_;
  const std::function<void(const std::string&, Milliseconds)> wake_;
  std::mutex mutex_;
  std::map<std::string, Result<ArtifactRef>> digests_;  // "namespace/digest" of spec.model
  std::map<std::string, std::set<std::string>> asked_;  // those under way, and the keys that wait
  std::map<std::string, Memory> memories_;              // by key
  Refusals refusals_;
  Refusals unread_;  // lists of what stands beside the servers
  routers::Ports ports_;
  rollouts::GateProbes probes_;
  rollouts::ReportStore reports_;
};

}  // namespace penstock::controllers
