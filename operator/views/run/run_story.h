// One run told whole: parameters, steps, results, why each step ran or came from the cache, and
// what every output was made of. As JSON. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

// The nearest run before, of the same Pipeline, in which the step succeeded; nullptr: there is
// none.
[[nodiscard]] const KnownRun* BeforeOf(const KnownRun& run, const std::string& step,
                                       const std::vector<KnownRun>& older);

// The runs of the items of looped steps that are Pipelines (RunArchive::OfItems), by step.
using ItemRuns = std::map<std::string, std::vector<KnownRun>>;

// Of `older` those that BeforeOf gives are to have their specs.
[[nodiscard]] Json TellRun(const KnownRun& run, const std::vector<KnownRun>& older,
                           const ItemRuns& of_items = {});

}  // namespace penstock::views
