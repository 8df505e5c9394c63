// The component `query`: SQL over its input datasets, each a view named as the input. The output
// keeps the order of the query.
#pragma once

#include "components/sdk/step.h"

namespace penstock::query {

[[nodiscard]] Result<void> RunQuery(sdk::Step& step);

}  // namespace penstock::query
