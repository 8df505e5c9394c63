// The component `bless`: copies the model to its output when every check holds. A "no" is an
// answer, not a failure: exit 0, result blessed=false, no output `model`.
#pragma once

#include "components/sdk/step.h"

namespace penstock::bless {

[[nodiscard]] Result<void> RunBless(sdk::Step& step);

}  // namespace penstock::bless
