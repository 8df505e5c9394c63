// Runs as rows: lists, one by one, and as a grid of steps. By the database, a page at a time.
#pragma once

#include <string>

#include "operator/api/pipeline_run.h"
#include "operator/views/place.h"

namespace penstock::views {

// {namespace, name, uid, pipeline, phase, reason, message, step, cause, user, created, started,
// finished, steps: {total, ...}, archived, labels}. What is not known is left out.
[[nodiscard]] Json RunRow(const Place& place, metadata::RunRecord run);

// {"items": [row], "next": ...}; `limit` is 1 to 500.
[[nodiscard]] Result<Json> RunRows(const Place& place, const metadata::RunFilter& filter, int limit,
                                   const std::string& after);

// {"steps": [name], "runs": [{name, phase, created, finished, cells: {step: phase}}]}, the newest
// run first; steps in the order in which the newest run began them.
[[nodiscard]] Result<Json> GridView(const Place& place, const std::string& ns,
                                    const std::string& pipeline, int limit);

}  // namespace penstock::views
