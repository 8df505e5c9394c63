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
void Fields(Io& io, typename Io::template Of<PipelineRunSpec>& s) {
  if constexpr (Io::kReads)
    io.Check(io.Has("pipelineRef") != io.Has("pipelineSpec"), "",
             "a run has exactly one of pipelineRef and pipelineSpec");
  io.Group("pipelineRef", [&](auto& g) {
    g.String("name", s.pipeline_ref, {kMaxPipelineName, nullptr, true});
  });
  io.Optional("pipelineSpec", s.pipeline_spec);
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.Bool("suspend", s.suspend, false);
  io.Enum("cancel", s.cancel, kCancelModes, CancelMode::kNone);
  io.Duration("ttlAfterFinished", s.ttl_after_finished);
  io.Bool("publish", s.publish, true);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepOutput>& o) {
  io.String("name", o.name, kIdentifierName);
  io.String("type", o.type, {40});
  io.String("digest", o.digest, {71, &kDigest});
  io.Bool("folder", o.folder, false);
  io.Integer("bytes", o.bytes, kBytes, 0);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepStatus>& s) {
  io.String("name", s.name, kLabelName);
  io.Enum("phase", s.phase, kStepPhases, std::nullopt);
  io.String("reason", s.reason, {1024});
  io.String("message", s.message, {4096});
  io.Integer("attempts", s.attempts, kCount, 0);
  io.Bool("cached", s.cached, false);
  io.String("cacheKey", s.cache_key, {64});
  io.String("cacheMiss", s.cache_miss, {1024});
  io.String("cachedFrom", s.cached_from, kObjectName);
  io.String("pod", s.pod, kObjectName);
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
  io.ValueMap("results", s.results, 100, kIdentifierName);
  io.StringMap("sources", s.sources, 100, kIdentifierName, {1024});
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
  io.String("succeededIndexes", s.succeeded_indexes, {65536});
  io.String("skippedIndexes", s.skipped_indexes, {65536});
  io.List("outputs", s.outputs, 100, "name");
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
