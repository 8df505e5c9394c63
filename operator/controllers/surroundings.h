// What resolving a spec may see of the rest of its namespace, from snapshots.
#pragma once

#include <string>

#include "operator/controllers/context.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::controllers {

// Everything but `code`, which the caller sets. `context` must outlive the result.
[[nodiscard]] plan::Surroundings SurroundingsOf(const Context& context, const std::string& ns);

}  // namespace penstock::controllers
