// The component `split`: one dataset into train, valid and test by hash, group or time, with folds
// in train where they are asked for. The order is kept.
//
// Three passes, of which none holds more than a batch and one partition of 32 bytes a row: facts of
// each row (facts.h) into files by the row's hash, so that equal rows meet; places (placement.h) by
// partition; then the rows are read again and written where they go.
#pragma once

#include "components/sdk/step.h"

namespace penstock::split {

[[nodiscard]] Result<void> RunSplit(sdk::Step& step);

}  // namespace penstock::split
