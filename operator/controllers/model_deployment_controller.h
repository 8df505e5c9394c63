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
#include "operator/plan/model/world.h"

namespace penstock::controllers {

class ModelDeploymentController {
 public:
  ModelDeploymentController(const Context& context,
                            std::function<void(const std::string& key, Milliseconds after)> wake)
      : context_(context), wake_(std::move(wake)), refusals_(context.clock) {}

  [[nodiscard]] Outcome Reconcile(const std::string& key);
  // The object is gone.
  void Forget(const std::string& key);

 private:
  using Deployment = ObjectTable<Known<api::ModelDeployment>>::Snapshot;
  using Instant = std::chrono::steady_clock::time_point;

  // What is remembered between visits. Of ages only a steady clock is asked.
  struct Memory {
    std::int64_t service_version = 0;
    std::chrono::steady_clock::time_point service_since;  // first seen to point there
    std::string digest;                                   // of spec.model, that `misses` counts
    int misses = 0;                                       // how often the store did not have it
  };

  // False: the digest is looked up in the store now; the key will be woken.
  [[nodiscard]] bool FindTarget(const std::string& key, plan::ModelObserved& observed);
  [[nodiscard]] bool FindDigest(const std::string& key, const std::string& digest,
                                plan::ModelObserved& observed);
  void FetchDigest(const std::string& ns, const std::string& digest);
  [[nodiscard]] Milliseconds NoteMiss(const std::string& key, const std::string& digest);
  [[nodiscard]] Result<void> Observe(plan::ModelObserved& observed) const;
  [[nodiscard]] Result<void> ObserveService(plan::ModelObserved& observed) const;
  void NoteService(const std::string& key, plan::ModelObserved& observed);

  [[nodiscard]] RefusalReport Act(const std::string& key, const plan::ModelObserved& observed,
                                  const std::vector<plan::ModelAction>& actions);
  // Writes what the plan says, once more with what became of its actions where it was refused.
  [[nodiscard]] Outcome Tell(const Known<api::ModelDeployment>& md, plan::ModelObserved observed,
                             plan::ModelPlan plan, RefusalReport report);
  [[nodiscard]] plan::ModelPlan Plan(const plan::ModelObserved& observed) const;

  const Context& context_;
  const std::function<void(const std::string&, Milliseconds)> wake_;
  std::mutex mutex_;
  std::map<std::string, Result<ArtifactRef>> digests_;  // "namespace/digest" of spec.model
  std::map<std::string, std::set<std::string>> asked_;  // those under way, and the keys that wait
  std::map<std::string, Memory> memories_;              // by key
  Refusals refusals_;
};

// The Pipeline whose output `model` follows, or empty.
[[nodiscard]] std::string FollowedPipeline(const std::string& model);

}  // namespace penstock::controllers
