// Where the files of a version come from, of what it is registered with.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/gateway/mlflow/mlflow_calls.h"

namespace penstock::gateway {

struct ModelSource {
  std::string location;      // mlflow-artifacts:/...
  std::string run;           // "": none
  std::string logged_model;  // its id; "": none
};

// Of runs:/{run}/{path}, models:/{logged model}, models:/{name}/{version}, models:/{name}@{alias}
// and mlflow-artifacts:/{place}. Invalid for anything else, for what is deleted or holds no file,
// and where `run` or `logged_model`, if they are given, are others; kNotFound.
[[nodiscard]] Result<ModelSource> FindSource(const MlflowCall& call, const std::string& source,
                                             const std::string& run,
                                             const std::string& logged_model);

}  // namespace penstock::gateway
