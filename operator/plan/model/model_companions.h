// What stands beside the servers of a ModelDeployment under its own name: the HTTPRoute from a
// Gateway, and the PodDisruptionBudget. Pure.
//
// The route stands while expose.gateway does and there is a Service to lead to; the budget while
// there are two servers or more (one alone would hold up every drain) and nobody else has made one
// for them. Either is as it was made again at the next look after somebody has deleted or edited
// it. One that cannot be looked at stays as it is and is told of; the other goes on.
#pragma once

#include <optional>

#include "operator/plan/model/model_trouble.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

// "HTTPRoute".
[[nodiscard]] const char* KindOf(Companion kind);

// "HTTPRoute flights", as refusals name it.
[[nodiscard]] std::string ObjectText(Companion kind, const api::ModelDeployment& md);

// There is, or was, an HTTPRoute of ours: it is to be looked at.
[[nodiscard]] bool MayHaveRoute(const api::ModelDeployment& md);

// An object under that name, of whoever made it.
[[nodiscard]] CompanionFact DecodeCompanion(const Json& object, const std::string& md_uid);
// What the Gateway of the spec says of its present generation.
[[nodiscard]] RouteFact DecodeRoute(const Json& route, const api::ModelDeployment& md);

// Makes and removes them. Where the spec has errors they stay as they are.
void PutCompanions(const ModelObserved& observed, ModelPlan& plan);

// What keeps requests from coming by expose.gateway; empty where they come, or none are to.
[[nodiscard]] Trouble TroubleOfRoute(const ModelObserved& observed);
// status.conditions' Exposed while there is a gateway, gone with it.
inline constexpr const char* kExposed = "Exposed";
void PutExposed(const ModelObserved& observed, TimePoint now, ModelPlan& plan);
// status.conditions' DisruptionBudget, False, while there is to be one and nobody knows whether one
// stands; beside it an event, once.
inline constexpr const char* kDisruptionBudget = "DisruptionBudget";
void PutBudgetUnread(const ModelObserved& observed, TimePoint now, ModelPlan& plan);

}  // namespace penstock::plan
