#include "operator/plan/pipeline/trigger_plan.h"

#include <algorithm>

#include "operator/base/sha256.h"

namespace penstock::plan {
namespace {

const api::TriggerStatus* Find(const std::vector<api::TriggerStatus>& known,
                               const api::TriggerSpec& trigger) {
  const auto it = std::find_if(known.begin(), known.end(), [&](const auto& s) {
    return s.pipeline == trigger.pipeline && s.output == trigger.output &&
           s.source == trigger.source &&
           s.webhook == (trigger.webhook ? trigger.webhook->name : "");
  });
  return it == known.end() ? nullptr : &*it;
}

}  // namespace

TriggerPlan PlanTriggers(const PipelineObserved& observed, TimePoint now) {
  TriggerPlan plan;
  std::string all = "triggers";
  for (const api::TriggerSpec& trigger : observed.pipeline.spec.triggers) {
    if (trigger.webhook) {  // its own plan goes on with what is known (webhook_plan.h)
      const api::TriggerStatus* known = Find(observed.pipeline.status.triggers, trigger);
      plan.statuses.push_back(known != nullptr ? *known : api::TriggerStatus{});
      plan.statuses.back().webhook = trigger.webhook->name;
      continue;
    }
    const auto stands = observed.followed.find(FollowedName(trigger));
    const std::string digest = stands == observed.followed.end() ? "" : stands->second;
    const api::TriggerStatus* known = Find(observed.pipeline.status.triggers, trigger);
    if (!trigger.source.empty() && digest.empty()) {  // not known now: what was said of it stands
      if (known != nullptr) plan.statuses.push_back(*known);
      continue;
    }
    all += "\n" + FollowedName(trigger) + " " + digest;
    api::TriggerStatus status;
    if (known != nullptr) status = *known;
    status.pipeline = trigger.pipeline;
    status.output = trigger.output;
    status.source = trigger.source;
    const bool was_seen = status.seen == digest;
    if (status.since && *status.since > now)
      status.since = WholeSeconds(now);  // the clock went back
    if (known == nullptr) status.settled = digest;
    if (digest == status.settled || digest.empty()) {
      status.seen.clear();
      status.since.reset();
    } else if (!was_seen) {
      status.seen = digest;
      status.since = WholeSeconds(now);
      plan.next = now;
    } else {
      const TimePoint ready =
          status.since.value_or(now) + trigger.debounce.value_or(Milliseconds{0});
      if (ready <= now) {
        if (plan.due.empty()) plan.due = FollowedName(trigger);
        plan.since = std::max(plan.since.value_or(TimePoint{}), status.since.value_or(now));
      } else {
        plan.next = std::min(plan.next.value_or(ready), ready);
      }
    }
    plan.statuses.push_back(std::move(status));
  }
  plan.hash = Sha256Hex(all).substr(0, 10);
  return plan;
}

void Settle(TriggerPlan& plan) {
  for (api::TriggerStatus& status : plan.statuses) {
    if (status.seen.empty()) continue;
    status.settled = status.seen;
    status.seen.clear();
    status.since.reset();
  }
}

}  // namespace penstock::plan
