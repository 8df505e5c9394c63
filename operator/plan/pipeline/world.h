// The words in which a Pipeline's decisions are made: what was observed, what is to be done, what
// its status says. Value types; the decider is pipeline_plan.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/api/pipeline_run.h"
#include "operator/api/registry/registered_model.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

inline constexpr const char* kLabelPipeline = "penstock.dev/pipeline";
inline constexpr const char* kLabelRunHash = "penstock.dev/run-hash";
// Why the controller made a run: one of the words below. Absent on runs by hand.
inline constexpr const char* kLabelCause = "penstock.dev/cause";
inline constexpr const char* kCauseChange = "Change";
inline constexpr const char* kCauseSchedule = "Schedule";
inline constexpr const char* kCauseTrigger = "Trigger";
inline constexpr const char* kCauseBackfill = "Backfill";  // `penstock backfill` made it
// What a trigger's run was made for, as FollowedName says it: an annotation, since it may be a URI.
inline constexpr const char* kTriggeredBy = "penstock.dev/triggered-by";
// Of a webhook's run: which one, and its delivery as DeliveryHash names it.
inline constexpr const char* kLabelWebhook = "penstock.dev/webhook";
inline constexpr const char* kLabelDelivery = "penstock.dev/delivery";
// The schedule whose time spec.scheduledTime is.
inline constexpr const char* kLabelSchedule = "penstock.dev/schedule";

// The condition of a Pipeline that says how fresh it is to be, and its reason where it is not.
inline constexpr const char* kFresh = "Fresh";
inline constexpr const char* kLate = "Late";

struct PipelineObserved {
  api::Pipeline pipeline;
  // Of decoding, Validate and Resolve (against the Components that exist now); empty: valid.
  std::vector<api::FieldError> spec_errors;
  std::vector<std::string> warnings;
  std::vector<api::PipelineRun> runs;  // all that name this Pipeline, whoever made them
  // Digests of what triggers follow, by FollowedName; absent: there is none, or none is known yet.
  std::map<std::string, std::string> followed;
  std::vector<Refusal> refusals;  // of this plan's actions, when it is told what became of them
  // All versions of a model, as far as PipelinePlan::questions were answered; and what runs say of
  // what they gave, where they are still there.
  std::map<std::string, std::vector<api::RegisteredVersion>> versions;
  std::map<std::string, api::RegisteredVersionSpec> stories;
};

// "raw.table", the URI of a source, or "webhook push".
[[nodiscard]] inline std::string FollowedName(const api::TriggerSpec& t) {
  if (t.webhook) return "webhook " + t.webhook->name;
  return t.source.empty() ? t.pipeline + "." + t.output : t.source;
}

struct CreateRun {
  std::string name;
  Json run;  // the whole object
};
struct CancelRun {  // merge patch {"spec":{"cancel": mode}}
  std::string name;
  std::string uid;
  std::string mode;  // "Now"
};
// One that waits for its turn (WaitsForTurn) begins.
struct ReleaseRun {
  std::string name;
  std::string uid;
};
struct LabelRun {  // a run by hand gets the label penstock.dev/pipeline, by which runs are listed
  std::string name;
  std::string uid;
};
struct DeleteRun {
  std::string name;
  std::string uid;
  std::string why;        // one line for the log
  std::string told = {};  // of a delivery that is left out: the event that goes with the deletion
};
// What is published becomes a version of a model. Its number is the next: whoever takes it first
// has it, and the answer to the other is AlreadyExists.
struct RegisterVersion {
  std::string name;  // of the ModelVersion
  api::RegisteredVersion version;
};
using PipelineAction =
    std::variant<CreateRun, CancelRun, ReleaseRun, LabelRun, DeleteRun, RegisterVersion>;

// What versions a model has, and what the run says that published what may become one.
struct RegistryQuestion {
  std::string model;
  std::string run;
};

struct PipelinePlan {
  std::vector<PipelineAction> actions;
  std::vector<RegistryQuestion> questions;
  api::PipelineStatus status;
  std::vector<RunEvent> events;
  std::optional<Milliseconds> requeue_after;
};

}  // namespace penstock::plan
