// What resolving a spec may see of the rest of its namespace, from snapshots.
#pragma once

#include <string>

#include "operator/controllers/context.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::controllers {

// An object of the operator's namespace that `library: true` finds.
[[nodiscard]] bool IsOfLibrary(const api::ObjectMeta& meta);

// Everything but the answers of `code` and `image`, which the caller sets. `context` must outlive
// the result.
[[nodiscard]] plan::Surroundings SurroundingsOf(const Context& context, const std::string& ns);

}  // namespace penstock::controllers
