// What an API server has left out of an object that it took: a field that it does not know, of a
// newer Kubernetes or behind a feature gate, it drops without an error. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::controllers {

// Paths below `path` of what `sent` says and `made` does not have, at most ten. What says nothing
// (null, false, 0, "", empty) is no loss, and another value is none: defaults, and whoever changes
// pods (a shorter command, another kind of probe). Entries of lists are found by their mountPath or
// name, or where both lists are as long.
[[nodiscard]] std::vector<std::string> LeftOut(const Json& sent, const Json& made,
                                               const std::string& path);

}  // namespace penstock::controllers
