// What a step's next attempt is made with, once the steps before it have ended. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/values/value_source.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

struct Ingredients {
  std::vector<TaskInput> inputs;           // absent optional ones are left out
  std::set<std::string> put_by_hand;       // those of them that are ResolvedSource::put_by_hand
  std::map<std::string, Json> parameters;  // resolved; null ones are left out
  std::optional<ArtifactRef> code;         // the step's own
  std::optional<ArtifactRef> packages;     // Python's
  Json values = Json::object();            // TaskDocument::values
  std::optional<ResolvedStep> step;        // with its pod's values put in; absent: as it is
  // Why it cannot run; empty: it can.
  std::string skip_reason;  // OutputAbsent, ResultAbsent: the step is skipped
  std::string fail_reason;  // InvalidParameter, InvalidInput, NoEntry: the step fails
  std::string message;
};

// The steps of which it takes outputs, results or counts, its condition and its list too.
[[nodiscard]] std::set<std::string> StepsRead(const ResolvedStep& step);

[[nodiscard]] Ingredients Gather(const ResolvedStep& step, const ValueSource& source);

}  // namespace penstock::plan
