// A model with a transform: raw columns in, the network's answers presented as the signature says
// (probability, label, ...). The transform runs in Prepare, before the queue.
#pragma once

#include <memory>

#include "components/model/backend.h"
#include "components/model/model.h"
#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "operator/base/json.h"

namespace penstock::model {

// Invalid when the transform's inputs or width are not the manifest's.
[[nodiscard]] Result<std::unique_ptr<Model>> MakeColumnModel(sdk::ModelManifest manifest,
                                                             sdk::Transform transform,
                                                             std::unique_ptr<Backend> backend);

}  // namespace penstock::model
