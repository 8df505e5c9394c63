// Runs within runs: a step that is a Pipeline is carried out by a PipelineRun, one an attempt,
// which the run owns as it owns a pod. Their names, what they are made of, what they say. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// The run, of this kind's group and any version, whose step has made it; null: a run of its own.
[[nodiscard]] const api::OwnerReference* ParentOf(const api::ObjectMeta& run);

// Of a run that has a parent.
[[nodiscard]] ChildFact ReadChild(const api::PipelineRun& run);

// Whether a parent may show something else after the change from `before` (null: none was known).
[[nodiscard]] bool ShowsParentMore(const api::PipelineRun* before, const api::PipelineRun& now);

// The run of one attempt, as it is created. It never publishes, and its step is in charge of it:
// no ttl. `spec.step` is a Pipeline.
[[nodiscard]] Json BuildChild(const api::PipelineRun& run, const Family& family,
                              const AttemptSpec& spec);

// By the rule of pods (PodName).
[[nodiscard]] std::string ChildName(const api::PipelineRun& run, const AttemptSpec& spec);

// Step and index of the item that the run is an attempt of, by its labels; nullopt: it is of none,
// or its name has others.
[[nodiscard]] std::optional<std::pair<std::string, int>> ItemOf(const api::PipelineRun& child);

// A run is made under the name that its step, item and attempt give it, and its labels may be
// edited afterwards: where they say something else than the name of this child of `run`, the name
// is right. `loops` are the looped steps of `run` that are Pipelines.
void TakeItemFromName(const api::PipelineRun& run, const std::vector<std::string>& loops,
                      ChildFact& child);

}  // namespace penstock::plan
