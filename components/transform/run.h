// The component `transform`: fits on `dataset`, writes transform.json to the output `transform`.
#pragma once

#include "components/sdk/step.h"

namespace penstock::transform {

[[nodiscard]] Result<void> RunTransform(sdk::Step& step);

}  // namespace penstock::transform
