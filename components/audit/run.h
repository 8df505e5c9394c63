// The component audit: is the data fit to learn from?
#pragma once

#include "components/sdk/step.h"

namespace penstock::audit {

// Invalid also where the verdict is a no and failOn says that this fails the step; the message has
// the first findings.
[[nodiscard]] Result<void> RunAudit(sdk::Step& step);

}  // namespace penstock::audit
