// Logged models, registered models and their versions as MLflow's JSON. Pure.
#pragma once

#include <optional>

#include "operator/base/json.h"
#include "operator/metadata/logged_models.h"
#include "operator/metadata/model_registry.h"

namespace penstock::gateway {

[[nodiscard]] Json LoggedModelJson(const metadata::LoggedModel& model);
// `newest`: its newest version.
[[nodiscard]] Json RegisteredModelJson(const metadata::RegisteredModel& model,
                                       const std::optional<metadata::ModelVersion>& newest);
[[nodiscard]] Json ModelVersionJson(const metadata::ModelVersion& version);

}  // namespace penstock::gateway
