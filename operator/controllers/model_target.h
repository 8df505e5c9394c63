// Which model a ModelDeployment follows: what a Pipeline published, an artifact of the store, a
// URI, or a registered model, of which the API server is asked on each visit: there are few, and
// they are looked at when a Model or a version of it changes.
#pragma once

#include <string>

#include "operator/api/registry/registered_model.h"
#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

// The Pipeline whose output `model` follows, or empty.
[[nodiscard]] std::string FollowedPipeline(const std::string& model);

// Whether `model` names a version or an alias of the registered model.
[[nodiscard]] bool FollowsRegistered(const std::string& model, const std::string& name);

// Puts the target, or why there is none, into `observed`; the API server's errors.
[[nodiscard]] Result<void> FindRegistered(const Context& context,
                                          const api::RegisteredReference& reference,
                                          plan::ModelObserved& observed);

}  // namespace penstock::controllers
