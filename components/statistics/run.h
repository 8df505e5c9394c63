// The component `statistics`, and `look`: what is in a dataset or a file, in the terminal.
#pragma once

#include "components/sdk/step.h"

namespace penstock::statistics {

[[nodiscard]] Result<void> RunStatistics(sdk::Step& step);

// Input dataset: a dataset, a Parquet file, or whatever ingest reads. Parameters: name (what is
// written above), width (of the terminal, 80), rows (10), color (false), columns. Writes to stdout.
[[nodiscard]] Result<void> RunLook(sdk::Step& step);

}  // namespace penstock::statistics
