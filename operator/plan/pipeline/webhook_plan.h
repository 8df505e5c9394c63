// What becomes of the deliveries of webhooks. A delivery is a run that the gateway made suspended
// (WaitsForTurn); which of them may begin, and which no more, is decided here and in starts.h.
// Pure.
//
//   waiting --debounce passes, its turn--> begins
//       |
//       +--a later delivery takes its place, or its trigger is gone--> left out: deleted
//
// The status remembers the last deliveries of each webhook, so that one that comes again starts no
// second run, be its run deleted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

// What names a delivery of a trigger in its run's name and in the status: 12 hex digits. `id` is
// the sender's.
[[nodiscard]] std::string DeliveryHash(const std::string& pipeline, const std::string& trigger,
                                       const std::string& id);

// The run of a delivery, before its turn: "<pipeline>-hook-<hash>".
[[nodiscard]] std::string WebhookRunName(const std::string& pipeline, const std::string& hash);
[[nodiscard]] Json WebhookRun(const api::Pipeline& pipeline, const std::string& trigger,
                              const std::string& hash,
                              const std::map<std::string, Json>& parameters, TimePoint received);

// The status of the trigger says that the delivery was taken.
[[nodiscard]] bool WasTaken(const std::vector<api::TriggerStatus>& statuses,
                            const std::string& trigger, const std::string& hash);

struct WaitingDelivery {
  const api::PipelineRun* run = nullptr;  // points into what was observed
  std::string trigger;
  std::string why;  // it is left out
};

struct WebhookPlan {
  std::vector<WaitingDelivery> due;       // the oldest first
  std::vector<WaitingDelivery> left_out;  // with the reason
  std::optional<TimePoint> next;          // when a debounce ends
};

// Adds to `statuses`, which has an entry for each webhook of the spec, the deliveries that are new.
[[nodiscard]] WebhookPlan PlanWebhooks(const PipelineObserved& observed, TimePoint now,
                                       std::vector<api::TriggerStatus>& statuses);

// Of `due`, those from `first` on of whose trigger a later one waits go to `left_out`.
void LeaveOutAllButNewest(WebhookPlan& plan, std::size_t first);

}  // namespace penstock::plan
