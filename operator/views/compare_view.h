// Runs side by side: parameters, metrics, what they read. By the database, so that deleted runs are
// compared too.
#pragma once

#include <string>
#include <vector>

#include "operator/views/place.h"

namespace penstock::views {

inline constexpr std::size_t kMostCompared = 500;

// {"runs": [row], "parameters": [{name, values, differs}], "metrics": [{step, name, values,
// differs}], "inputs": [{step, name, digests, differs}]}; a list of values has one entry a run,
// null where that run has none. Metrics are results that are numbers or booleans in one of the
// runs. Invalid: fewer than one run, more than kMostCompared, or too many values.
[[nodiscard]] Result<Json> CompareView(const Place& place, const std::string& ns,
                                       const std::vector<std::string>& runs);

}  // namespace penstock::views
