// Which of several Components a step's version names. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/component.h"

namespace penstock::plan {

// "1" is the highest 1.x.y, "1.4" the highest 1.4.x, "1.4.0" exactly that. NotFound lists the
// versions that exist.
[[nodiscard]] Result<api::Component> PickComponent(const api::ComponentRef& wanted,
                                                   const std::vector<api::Component>& candidates);

}  // namespace penstock::plan
