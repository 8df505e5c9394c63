// The component `validate`: a dataset held against its schema, rules of a user, the run before it
// and what is served. What is wrong is a verdict with its reasons, not a failure of the step,
// unless that is asked for.
//
// The dataset is read once for what is asked of values and rows, once more where statistics are
// needed (distances, numbers of different values, a proposal), once by DuckDB for each rule in SQL,
// and once to part it. Memory does not grow with the rows but for a bit a row and check that is
// broken somewhere near it (findings/breaches.h); what unique keys need is on disk.
#pragma once

#include "components/sdk/step.h"

namespace penstock::validate {

[[nodiscard]] Result<void> RunValidate(sdk::Step& step);

}  // namespace penstock::validate
