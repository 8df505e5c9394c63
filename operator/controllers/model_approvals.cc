#include "operator/controllers/model_approvals.h"

#include "operator/controllers/run_family.h"
#include "operator/plan/model/model_approval.h"

namespace penstock::controllers {

void ObserveApprovals(const Context& context, plan::ModelObserved& observed,
                      const std::function<void(const std::string& key)>& wake) {
  const api::ObjectMeta& meta = observed.md.meta;
  if (!plan::TakesApprovals(observed.md)) return;
  const auto of_this = [&](const api::Approval& a) {
    return a.spec.model_deployment_uid == meta.uid;
  };
  const auto made = context.snapshots.approvals.List(meta.namespace_, of_this);
  for (const auto& known : made)
    observed.approvals.made.push_back(
        {*known, known->errors.empty() ? "" : "it is not valid: " + api::Describe(known->errors)});
  if (context.settings.approvals_by_hand)
    observed.approvals.policy = {.by_hand = true, .why_not = ""};
  else
    observed.approvals.policy = context.snapshots.approval_policy.Ask(
        AskerOf(context), "modeldeployment " + ObjectKey{meta.namespace_, meta.name}.Text(),
        [wake, key = ObjectKey{meta.namespace_, meta.name}.Text()](const std::string&) {
          wake(key);
        });
  if (observed.target_run.empty()) return;
  if (const auto run = context.snapshots.runs.Get({meta.namespace_, observed.target_run}))
    observed.target_maker = run->meta;
}

}  // namespace penstock::controllers
