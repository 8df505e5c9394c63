// What the server says of its model's state: the V2 repository index, and TensorFlow Serving's
// model status. Pure.
#pragma once

#include <string>

#include "components/serve/engine/inference.h"
#include "operator/base/result.h"

namespace penstock::serve {

// [{"name", "version", "state", "reason"}] for POST /v2/repository/index. The body is empty or
// {"ready": bool}, which asks for models in that state only; Invalid otherwise.
[[nodiscard]] Result<std::string> EncodeRepositoryIndex(const Inference::State& state,
                                                        const std::string& body);

// {"model_version_status": [...]}; NotFound for another model or version.
[[nodiscard]] Result<std::string> EncodePredictStatus(const Inference::State& state,
                                                      const std::string& model,
                                                      const std::string& version);

}  // namespace penstock::serve
