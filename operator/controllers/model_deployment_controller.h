// Carries a ModelDeployment: which model to serve -> plan::PlanModelDeployment -> Deployments and
// Service by server-side apply, status.
//
// There are few of these and their Deployments change seldom, so each visit reads what stands from
// the API server instead of keeping it in memory. Reconcile may be called from many threads, never
// for one key twice at once.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

class ModelDeploymentController {
 public:
  ModelDeploymentController(const Context& context,
                            std::function<void(const std::string& key)> wake)
      : context_(context), wake_(std::move(wake)) {}

  [[nodiscard]] Outcome Reconcile(const std::string& key);

 private:
  using Deployment = ObjectTable<Known<api::ModelDeployment>>::Snapshot;

  // False: the digest is looked up in the store now; the key will be woken.
  [[nodiscard]] bool FindTarget(const std::string& key, plan::ModelObserved& observed);
  [[nodiscard]] bool FindDigest(const std::string& key, const std::string& digest,
                                plan::ModelObserved& observed);
  [[nodiscard]] Result<void> Observe(plan::ModelObserved& observed) const;
  [[nodiscard]] Result<void> ObserveService(plan::ModelObserved& observed) const;
  [[nodiscard]] Result<void> Act(const plan::ModelObserved& observed,
                                 const plan::ModelAction& action) const;
  [[nodiscard]] Result<void> CheckNameIsFree(const std::string& ns, const std::string& name,
                                             const std::string& md_uid) const;

  const Context& context_;
  const std::function<void(const std::string&)> wake_;
  std::mutex mutex_;
  std::map<std::string, Result<ArtifactRef>> digests_;  // "namespace/digest" of spec.model
};

// The Pipeline whose output `model` follows, or empty.
[[nodiscard]] std::string FollowedPipeline(const std::string& model);

}  // namespace penstock::controllers
