// The component postgres: parameters, the query, the dataset.
#pragma once

#include "components/sdk/step.h"

namespace penstock::postgres {

[[nodiscard]] Result<void> RunPostgres(sdk::Step& step);

}  // namespace penstock::postgres
