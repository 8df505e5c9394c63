// Builds the objects of a namespace's routers, and reads them back. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/plan/router/world.h"

namespace penstock::plan {

// "Deployment".
[[nodiscard]] const char* KindOf(RouterObject kind);

// As it is applied, with the hash of what it is made of among its annotations.
[[nodiscard]] Json BuildRouterObject(RouterObject kind, const RoutersObserved& observed,
                                     const RouterSettings& settings);

// An object under the name kRouterName, of whoever made it.
[[nodiscard]] RouterObjectFact DecodeRouterObject(const Json& object);
// The object with the hash of what it is made of among its annotations, which MadeOf gives.
[[nodiscard]] Json WithWhatItIsMadeOf(Json object);
// The hash of what an object of ours was made of; empty where it says none.
[[nodiscard]] std::string MadeOf(const Json& object);

// 100 milli-CPU and 64 MiB asked for, 512 MiB at most.
[[nodiscard]] Json DefaultRouterResources();

}  // namespace penstock::plan
