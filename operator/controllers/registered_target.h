// What a ModelDeployment follows that names a registered model. Asks the API server on each visit:
// there are few, and they are looked at when a Model or a version of it changes.
#pragma once

#include <string>

#include "operator/api/registry/registered_model.h"
#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

// Whether `model` names a version or an alias of the registered model.
[[nodiscard]] bool FollowsRegistered(const std::string& model, const std::string& name);

// Puts the target, or why there is none, into `observed`; the API server's errors.
[[nodiscard]] Result<void> FindRegistered(const Context& context,
                                          const api::RegisteredReference& reference,
                                          plan::ModelObserved& observed);

}  // namespace penstock::controllers
