// Artifacts by what a user types, wherever runs and Pipelines are kept. Pure.
#pragma once

#include <functional>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::cli {

// Where objects are looked up: the state folder or a cluster. kNotFound says where it looked.
struct ObjectLookup {
  std::function<Result<Json>(const std::string& name)> pipeline;
  std::function<Result<Json>(const std::string& name)> run;  // or a Pipeline's newest run
};

// RUN/STEP/OUTPUT, PIPELINE/OUTPUT, or PIPELINE with one output (also of a run). The error lists
// what there is.
[[nodiscard]] Result<ArtifactRef> FindOutput(const std::string& name, const ObjectLookup& lookup);

}  // namespace penstock::cli
