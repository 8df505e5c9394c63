// The fields of PipelineRun. See fields.h.
#pragma once

#include "operator/api/fields_pipeline.h"
#include "operator/api/pipeline_run.h"

namespace penstock::api {

inline constexpr std::array<Named<CancelMode>, 3> kCancelModes{
    {{CancelMode::kNone, ""}, {CancelMode::kStop, "Stop"}, {CancelMode::kNow, "Now"}}};
inline constexpr std::array<Named<StepPhase>, 7> kStepPhases{
    {{StepPhase::kWaiting, "Waiting"},
     {StepPhase::kPending, "Pending"},
     {StepPhase::kRunning, "Running"},
     {StepPhase::kSucceeded, "Succeeded"},
     {StepPhase::kFailed, "Failed"},
     {StepPhase::kSkipped, "Skipped"},
     {StepPhase::kCancelled, "Cancelled"}}};

template <typename Io>
void Fields(Io& io, typename Io::template Of<RerunSpec>& r) {
  io.String("of", r.of, kRequiredObjectName);
  io.StringList("from", r.from, 100, kLabelName);
  io.Bool("latest", r.latest, false);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineRunSpec>& s) {
  if constexpr (Io::kReads)
    io.Check(io.Has("pipelineRef") != io.Has("pipelineSpec"), "",
             "a run has exactly one of pipelineRef and pipelineSpec");
  io.Group("pipelineRef", [&](auto& g) {
    g.String("name", s.pipeline_ref, {kMaxPipelineName, nullptr, true});
    g.Bool("library", s.library, false);
  });
  io.Optional("pipelineSpec", s.pipeline_spec);
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.StringMap("inputs", s.inputs, 100, kIdentifierName, kReferenceText);
  io.Bool("suspend", s.suspend, false);
  io.Enum("cancel", s.cancel, kCancelModes, CancelMode::kNone);
  io.Duration("ttlAfterFinished", s.ttl_after_finished);
  io.Bool("publish", s.publish, true);
  io.Time("scheduledTime", s.scheduled_time);
  io.Optional("rerun", s.rerun);
  if constexpr (Io::kReads) {
    io.Check(!s.pipeline_spec ||
                 (s.pipeline_spec->schedules.empty() && s.pipeline_spec->triggers.empty()),
             "pipelineSpec", "a run has no schedules or triggers: they are a Pipeline's");
    io.Check(!s.pipeline_spec || s.pipeline_spec->registers.empty(), "pipelineSpec",
             "a run registers nothing: registers are a Pipeline's");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepOutput>& o) {
  io.String("name", o.name, kIdentifierName);
  io.String("type", o.type, {40});
  io.String("digest", o.digest, {71, &kDigest});
  io.Bool("folder", o.folder, false);
  io.Integer("bytes", o.bytes, kBytes, 0);
}

inline constexpr Text kIndexRanges{65536};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ItemsStatus>& s) {
  io.Integer("total", s.total, kCount, std::nullopt);
  io.String("succeededIndexes", s.succeeded_indexes, kIndexRanges);
  io.String("failedIndexes", s.failed_indexes, kIndexRanges);
  io.String("skippedIndexes", s.skipped_indexes, kIndexRanges);
  io.Integer("cached", s.cached, kCount, 0);
  io.Integer("running", s.running, kCount, 0);
  io.String("listDigest", s.list_digest, {64});
  io.StringList("firstFailures", s.first_failures, 3, {1024});
}

inline constexpr std::array<Named<LastGoodUse>, 3> kLastGoodUses{
    {{LastGoodUse::kUsed, "Used"},
     {LastGoodUse::kTooOld, "TooOld"},
     {LastGoodUse::kAbsent, "Absent"}}};

template <typename Io>
void Fields(Io& io, typename Io::template Of<LastGoodStatus>& s) {
  io.Enum("outcome", s.outcome, kLastGoodUses, std::nullopt);
  io.String("run", s.run, kObjectName);
  io.Time("time", s.time);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepStatus>& s) {
  io.String("name", s.name, kLabelName);
  io.Enum("phase", s.phase, kStepPhases, std::nullopt);
  io.String("reason", s.reason, {1024});
  io.String("message", s.message, {4096});
  io.Integer("attempts", s.attempts, kCount, 0);
  io.Bool("allowed", s.allowed, false);
  io.Bool("cached", s.cached, false);
  io.String("cacheKey", s.cache_key, {64});
  io.String("cacheMiss", s.cache_miss, {1024});
  io.String("cachedFrom", s.cached_from, kObjectName);
  io.String("pod", s.pod, kObjectName);
  io.String("address", s.address, {64});
  io.String("run", s.run, kObjectName);
  io.Time("startTime", s.start_time);
  io.Time("finishTime", s.finish_time);
  io.Time("retryAt", s.retry_at);
  io.Group("retries", [&](auto& g) {
    g.Integer("user", s.retries.user, kCount, 0);
    g.Integer("outOfMemory", s.retries.out_of_memory, kCount, 0);
    g.Integer("infrastructure", s.retries.infrastructure, kCount, 0);
    g.Integer("timeout", s.retries.timeout, kCount, 0);
  });
  io.List("outputs", s.outputs, 100, "name");
  io.OptionalInteger("exitCode", s.exit_code, {0, 255});
  io.ValueMap("results", s.results, 100, kIdentifierName);
  io.StringMap("sources", s.sources, 100, kIdentifierName, {1024});
  io.Optional("items", s.items);
  io.Optional("lastGood", s.last_good);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RunLock>& l) {
  io.String("step", l.step, {40, &kDnsLabel});
  io.OptionalInteger("item", l.item, kCount);
  io.StringList("names", l.names, kMaxLocks, {40});
  io.Integer("turn", l.turn, kBytes, 0);
  io.Time("since", l.since);
  io.Bool("held", l.held, false);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RunSummary>& s) {
  io.Integer("total", s.total, kCount, std::nullopt);
  io.Integer("succeeded", s.succeeded, kCount, std::nullopt);
  io.Integer("cached", s.cached, kCount, std::nullopt);
  io.Integer("running", s.running, kCount, std::nullopt);
  io.Integer("pending", s.pending, kCount, std::nullopt);
  io.Integer("waiting", s.waiting, kCount, std::nullopt);
  io.Integer("failed", s.failed, kCount, std::nullopt);
  io.Integer("skipped", s.skipped, kCount, std::nullopt);
  io.Integer("cancelled", s.cancelled, kCount, std::nullopt);
  io.Integer("allowed", s.allowed, kCount, 0);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineRunStatus>& s) {
  io.Integer("observedGeneration", s.observed_generation, kBytes, 0);
  io.String("revision", s.revision, kObjectName);
  io.Time("startTime", s.start_time);
  io.Time("finishTime", s.finish_time);
  io.Object("summary", s.summary);
  io.String("trouble", s.trouble, {1100});
  io.List("steps", s.steps, 500, "name");
  io.List("locks", s.locks, kMaxRunLocks, nullptr);
  io.String("succeededIndexes", s.succeeded_indexes, {65536});
  io.String("skippedIndexes", s.skipped_indexes, {65536});
  io.List("outputs", s.outputs, 100, "name");
  io.ValueMap("results", s.results, 100, kIdentifierName);
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
