// What a step's cache key is made of, what the cache said, and what differs from the runs before
// it: the answer to "why was this not taken from the cache?". As JSON. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

// Which of `older` (the newest first) the step is compared with: the nearest `most` runs of the
// same Pipeline in which it succeeded, and, of a hit, first of all the run that made what it took,
// where that is kept. Indexes, each once; their specs are to be read.
[[nodiscard]] std::vector<std::size_t> ComparedWith(const KnownRun& run, const std::string& step,
                                                    const std::vector<KnownRun>& older,
                                                    std::size_t most);

// {"run", "pipeline", "step", "phase", "reason", "cached", "cachedFrom", "cacheKey", "cacheMiss",
// "ingredients": name -> value, null where the run's spec is not kept, "ingredientsMakeTheKey":
// true where their hash is the key that was used, "looped": each item has a key of its own, of
// these and its value, "comparedWith": [{"run", "cacheKey", "madeIt": it is where a hit came from,
// "differences": [{"what", "before", "after"}], null where that run's spec is not kept}]}.
// NotFound names the steps that there are.
[[nodiscard]] Result<Json> ExplainCache(const KnownRun& run, const std::string& step,
                                        const std::vector<KnownRun>& older,
                                        const std::vector<std::size_t>& compared_with);

}  // namespace penstock::views
