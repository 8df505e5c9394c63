// The component `ingest`: an outside file as a dataset.
#pragma once

#include "components/sdk/step.h"

namespace penstock::ingest {

[[nodiscard]] Result<void> RunIngest(sdk::Step& step);

}  // namespace penstock::ingest
