// Carries a Pipeline: gather its runs -> plan::PlanPipeline -> start, cancel, delete runs; status.
//
// Reconcile may be called from many threads, never for one key twice at once.
#pragma once

#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/controllers/refusals.h"
#include "operator/plan/pipeline/world.h"
#include "operator/runtime/duty_cycle.h"
#include "operator/sources/followed.h"

namespace penstock::controllers {

class PipelineController {
 public:
  // `told(key)` is called for each run that was started or changed, so that it is looked at;
  // `wake(key)` for a Pipeline of whose sources there is news.
  PipelineController(const Context& context, std::function<void(const std::string& run_key)> told,
                     std::function<void(const std::string& key)> wake)
      : context_(context),
        told_(std::move(told)),
        refusals_(context.clock),
        turns_(Milliseconds{10'000}),
        sources_(context.fingerprints, context.clock, context.submit_sources, std::move(wake)) {}

  [[nodiscard]] Outcome Reconcile(const std::string& key);
  // The object is gone.
  void Forget(const std::string& key) {
    refusals_.Forget(key);
    turns_.Forget(key);
    sources_.KeepOnly(key, {});
  }

 private:
  using Pipeline = ObjectTable<Known<api::Pipeline>>::Snapshot;

  // `acted`: how long starting, cancelling and deleting runs took, which is no looking.
  [[nodiscard]] Outcome Visit(const std::string& key, const Pipeline& pipeline,
                              Milliseconds& acted);
  [[nodiscard]] plan::PipelineObserved Gather(const Known<api::Pipeline>& pipeline);
  // Digest of what a trigger follows; "" where there is none, or none is known yet.
  [[nodiscard]] std::string Followed(const api::ObjectMeta& meta, const api::TriggerSpec& trigger);
  void Check(const Known<api::Pipeline>& pipeline, plan::PipelineObserved& observed) const;
  // What is refused is in the report, and what is worth another try at once is its news. Versions
  // that were registered stand in `observed` afterwards; true where there are any.
  bool Carry(const std::string& key, plan::PipelineObserved& observed,
             const std::vector<plan::PipelineAction>& actions, RefusalReport& report);
  [[nodiscard]] Result<void> Act(const api::Pipeline& pipeline, const plan::PipelineAction& action);
  // Puts what the registry and the runs say into `observed`, as far as they do.
  void Ask(const std::string& key, const std::vector<plan::RegistryQuestion>& questions,
           plan::PipelineObserved& observed, RefusalReport& report);
  [[nodiscard]] Result<std::vector<api::RegisteredVersion>> Versions(const std::string& ns,
                                                                     const std::string& model);
  [[nodiscard]] Result<void> Register(const plan::RegisterVersion& action);
  [[nodiscard]] Result<void> Create(const api::Pipeline& pipeline, const plan::CreateRun& action);
  [[nodiscard]] Result<void> Cancel(const api::Pipeline& pipeline, const plan::CancelRun& action);
  [[nodiscard]] Result<void> Release(const api::Pipeline& pipeline, const plan::ReleaseRun& action);
  [[nodiscard]] Result<void> Label(const api::Pipeline& pipeline, const plan::LabelRun& action);
  [[nodiscard]] Result<void> Patch(const std::string& ns, const std::string& name,
                                   const Json& patch);
  [[nodiscard]] Result<void> Delete(const api::Pipeline& pipeline, const plan::DeleteRun& action);

  const Context& context_;
  const std::function<void(const std::string&)> told_;
  Refusals refusals_;
  runtime::DutyCycle turns_;  // thousands of runs of one Pipeline change it thousands of times
  sources::Followed sources_;
};

}  // namespace penstock::controllers
