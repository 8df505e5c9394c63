// Carries out the actions of a ModelDeployment's plan, by server-side apply. An object of another
// owner is never taken over.
#pragma once

#include <string>

#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

// What it is about: "Deployment flights-v2".
[[nodiscard]] std::string ObjectOf(const plan::ModelAction& action);

[[nodiscard]] const kube::ResourceType& TypeOf(plan::Companion kind);

// The object as it stands then, null where it is gone. AlreadyExists where the name is another's;
// else the API server's answer.
[[nodiscard]] Result<Json> Carry(const Context& context, const plan::ModelObserved& observed,
                                 const plan::ModelAction& action);

}  // namespace penstock::controllers
