// The runs that changes of a Pipeline made: their names, and the order in which they were asked
// for. Pure; points into what was observed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::plan {

// A run that a change made: "<pipeline>-<hash>-<number>".
struct ChangeRun {
  const api::PipelineRun* run = nullptr;
  std::string hash;
  int number = 0;
  RunOutcome outcome = RunOutcome::kActive;
};

// nullopt of a run by hand, or of another Pipeline.
[[nodiscard]] std::optional<ChangeRun> AsChangeRun(const api::PipelineRun& run,
                                                   const std::string& pipeline);

// The number of a run that is named "<pipeline>-<hash>-<number>"; nullopt of another.
[[nodiscard]] std::optional<int> NumberOf(const std::string& run, const std::string& pipeline,
                                          const std::string& hash);

// What a run is for; when it was created where that had not come then (somebody wrote it by hand).
[[nodiscard]] TimePoint LogicalTime(const api::PipelineRun& run);

// By LogicalTime, which is not the order of their ends. Creation times have whole seconds: of two
// of one second, that of the hash that was seen last is the later; of two of one hash, that of the
// greater number; else, where nothing is sure, names decide, so that the order is the same whoever
// looks and whenever.
void SortAsAskedFor(std::vector<const api::PipelineRun*>& runs, const std::string& newest_hash);

// How the names of a Pipeline's runs by trigger begin, in the place of its own:
// "<pipeline>-trigger".
[[nodiscard]] std::string TriggerPrefix(const std::string& pipeline);

// "<pipeline>-<hash>-<n>".
[[nodiscard]] std::string RunName(const std::string& pipeline, const std::string& hash, int n);

}  // namespace penstock::plan
