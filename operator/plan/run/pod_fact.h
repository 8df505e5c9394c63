// Reads a pod of ours into the facts that the run's plan needs. What a child process may have
// written (the termination message, messages that quote it) stays raw here and is cut to a bound;
// whoever shows it escapes it. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/plan/run/run_plan.h"

namespace penstock::plan {

// Of a pod that the caller has found to be controlled by a PipelineRun (a pod is adopted only with
// the right owner UID).
[[nodiscard]] PodFact DecodePod(const Json& pod);

// Budgets as they stand in the annotation kAnnotationSpent, and back.
[[nodiscard]] Spent DecodeSpent(const std::string& text);
[[nodiscard]] std::string EncodeSpent(const Spent& spent);

}  // namespace penstock::plan
