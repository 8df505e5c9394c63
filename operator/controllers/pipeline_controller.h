// Carries a Pipeline: gather its runs -> plan::PlanPipeline -> start, cancel, delete runs; status.
//
// Reconcile may be called from many threads, never for one key twice at once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::controllers {

class PipelineController {
 public:
  // `told(key)` is called for each run that was started or changed, so that it is looked at.
  PipelineController(const Context& context, std::function<void(const std::string& run_key)> told)
      : context_(context), told_(std::move(told)) {}

  [[nodiscard]] Outcome Reconcile(const std::string& key);

 private:
  using Pipeline = ObjectTable<Known<api::Pipeline>>::Snapshot;

  [[nodiscard]] plan::PipelineObserved Gather(const Known<api::Pipeline>& pipeline) const;
  void Check(const Known<api::Pipeline>& pipeline, plan::PipelineObserved& observed) const;
  [[nodiscard]] Result<void> Act(const api::Pipeline& pipeline, const plan::PipelineAction& action);
  [[nodiscard]] Result<void> Create(const api::Pipeline& pipeline, const plan::CreateRun& action);
  [[nodiscard]] Result<void> Cancel(const api::Pipeline& pipeline, const plan::CancelRun& action);
  [[nodiscard]] Result<void> Delete(const api::Pipeline& pipeline, const plan::DeleteRun& action);

  const Context& context_;
  const std::function<void(const std::string&)> told_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> refused_;  // pipeline UID -> why its last run was refused
};

}  // namespace penstock::controllers
