#include "operator/plan/pipeline/webhook_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "operator/api/fields_schedule.h"
#include "operator/base/sha256.h"
#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::plan {
namespace {

constexpr const char* kLaterOne = "a later delivery takes its place";

// To the microsecond, as the gateway took it; creation times have whole seconds.
TimePoint ReceivedAt(const api::PipelineRun& run) {
  const auto since = run.meta.annotations.find(kWaitsSince);
  if (since != run.meta.annotations.end())
    if (const auto time = ParseTime(since->second)) return *time;
  return run.meta.created.value_or(TimePoint{});
}

// The runs of deliveries, in the order in which these came.
std::vector<const api::PipelineRun*> Deliveries(const std::vector<api::PipelineRun>& runs) {
  std::vector<const api::PipelineRun*> out;
  for (const api::PipelineRun& run : runs)
    if (!LabelOf(run, kLabelWebhook).empty() && !LabelOf(run, kLabelDelivery).empty())
      out.push_back(&run);
  const auto key = [](const api::PipelineRun& run) {
    return std::tuple(ReceivedAt(run), run.meta.name);
  };
  std::sort(out.begin(), out.end(),
            [&](const auto* a, const auto* b) { return key(*a) < key(*b); });
  return out;
}

const api::TriggerSpec* TriggerOf(const api::PipelineSpec& spec, const std::string& webhook) {
  const auto it = std::find_if(spec.triggers.begin(), spec.triggers.end(), [&](const auto& t) {
    return t.webhook && t.webhook->name == webhook;
  });
  return it == spec.triggers.end() ? nullptr : &*it;
}

// One that waits takes the place of the oldest; one that has begun, which was remembered while it
// waited and may be forgotten by now, takes an empty place only.
void Remember(api::TriggerStatus& status, const std::string& hash, bool waits) {
  auto& known = status.deliveries;
  if (std::find(known.begin(), known.end(), hash) != known.end()) return;
  if (!waits && known.size() >= api::kMaxDeliveries) return;
  known.push_back(hash);
  if (known.size() > api::kMaxDeliveries) known.erase(known.begin());
}

}  // namespace

std::string DeliveryHash(const std::string& pipeline, const std::string& trigger,
                         const std::string& id) {
  return Sha256Hex(pipeline + "/" + trigger + "/" + id).substr(0, 12);
}

std::string WebhookRunName(const std::string& pipeline, const std::string& hash) {
  return pipeline + "-hook-" + hash;
}

Json WebhookRun(const api::Pipeline& pipeline, const std::string& trigger, const std::string& hash,
                const std::map<std::string, Json>& parameters, TimePoint received) {
  Json spec{{"suspend", true}};
  if (!parameters.empty()) spec["parameters"] = parameters;
  Json run = OwnedRun(pipeline, WebhookRunName(pipeline.meta.name, hash), kCauseTrigger,
                      {{kLabelWebhook, trigger}, {kLabelDelivery, hash}}, std::move(spec));
  Json& annotations = run["metadata"]["annotations"];
  annotations[kWaitsSince] = FormatMicroTime(received);
  annotations[kTriggeredBy] = "webhook " + trigger;
  return run;
}

bool WasTaken(const std::vector<api::TriggerStatus>& statuses, const std::string& trigger,
              const std::string& hash) {
  return std::any_of(statuses.begin(), statuses.end(), [&](const auto& t) {
    return t.webhook == trigger &&
           std::find(t.deliveries.begin(), t.deliveries.end(), hash) != t.deliveries.end();
  });
}

WebhookPlan PlanWebhooks(const PipelineObserved& observed, TimePoint now,
                         std::vector<api::TriggerStatus>& statuses) {
  WebhookPlan plan;
  const api::PipelineSpec& spec = observed.pipeline.spec;
  std::map<std::string, TimePoint> newest;  // of those that wait, by trigger
  for (const api::PipelineRun* run : Deliveries(observed.runs)) {
    const std::string trigger = LabelOf(*run, kLabelWebhook);
    for (api::TriggerStatus& status : statuses)
      if (status.webhook == trigger)
        Remember(status, LabelOf(*run, kLabelDelivery), WaitsForTurn(*run));
    if (run->meta.deleted || !WaitsForTurn(*run)) continue;
    if (TriggerOf(spec, trigger) == nullptr) {
      plan.left_out.push_back({run, trigger, "the Pipeline has no such trigger any more"});
      continue;
    }
    newest[trigger] = ReceivedAt(*run);
    plan.due.push_back({run, trigger, ""});
  }
  for (const auto& [trigger, received] : newest) {
    const auto debounce = TriggerOf(spec, trigger)->debounce.value_or(Milliseconds{0});
    if (debounce.count() == 0) continue;
    // A delivery of a far time to come is one of a clock that went back.
    const TimePoint ready = received > now + debounce ? now : received + debounce;
    const auto is_its = [&, name = trigger](const WaitingDelivery& d) { return d.trigger == name; };
    for (auto it = plan.due.begin(); it != plan.due.end();) {
      const bool last = ReceivedAt(*it->run) == received;
      if (!is_its(*it) || (last && ready <= now)) {
        ++it;
        continue;
      }
      if (last)
        plan.next = std::min(plan.next.value_or(ready), ready);
      else
        plan.left_out.push_back({it->run, trigger, kLaterOne});
      it = plan.due.erase(it);
    }
  }
  return plan;
}

void LeaveOutAllButNewest(WebhookPlan& plan, std::size_t first) {
  std::vector<WaitingDelivery> kept(plan.due.begin(),
                                    plan.due.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = first; i < plan.due.size(); ++i) {
    WaitingDelivery& one = plan.due[i];
    const bool later =
        std::any_of(plan.due.begin() + static_cast<std::ptrdiff_t>(i) + 1, plan.due.end(),
                    [&](const WaitingDelivery& other) { return other.trigger == one.trigger; });
    if (!later) {
      kept.push_back(one);
      continue;
    }
    one.why = kLaterOne;
    plan.left_out.push_back(one);
  }
  plan.due = std::move(kept);
}

}  // namespace penstock::plan
