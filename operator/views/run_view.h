// One run as the page shows it, live or after its object was deleted.
#pragma once

#include <string>

#include "operator/views/place.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

struct FoundRun {
  KnownRun known;
  bool archived = false;  // its object is gone; its story was kept
};

// With its spec, where that is kept. kNotFound says which name.
[[nodiscard]] Result<FoundRun> FindRun(const Place& place, const std::string& ns,
                                       const std::string& name, const std::stop_token& stop);

// The row of a run as its object says it.
[[nodiscard]] Json RowOf(const Place& place, const KnownRun& run, bool archived);

// RunRow, its `steps` as `counts`, and {parameters, spec (YAML), graph, steps: [StepRow],
// conditions, parent, asked, outputs, results, command}.
[[nodiscard]] Result<Json> RunView(const Place& place, const std::string& ns,
                                   const std::string& name, const std::stop_token& stop);

// {"nodes": [{name, kind, items?}], "edges": [[from, to]]}: of the spec, or where that is not kept
// of the steps alone.
[[nodiscard]] Json GraphOf(const KnownRun& run);

}  // namespace penstock::views
