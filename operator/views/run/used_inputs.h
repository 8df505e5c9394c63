// What a step of a run reads, and which step gave it. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/protocol/task.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

struct UsedInput {
  TaskInput input;
  std::string fingerprint;           // of an outside source, as it was read
  std::string from_step, from_name;  // the step of this run and its output; empty: of none
};

// As far as it is known; nothing where the run's spec is not kept.
[[nodiscard]] std::vector<UsedInput> UsedInputs(const KnownRun& run, const std::string& step);

}  // namespace penstock::views
