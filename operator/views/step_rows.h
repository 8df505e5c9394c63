// The steps of a run as rows, and one of them told whole.
#pragma once

#include <string>

#include "operator/views/place.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

// [{name, phase, reason, message, component, version, image, attempt, attempts, cached, cachedFrom,
// run, progress, times: {queued, fetchStarted, started, uploadStarted, finished}, items}]: every
// step of the spec in its order, also those that have no entry in the run's status. The times of
// fetch and upload are read from receipts, of the first 200 steps.
[[nodiscard]] Json StepRows(const Place& place, const KnownRun& run);

// A StepRow and {why, command, attempts, inputs, outputs, results, cacheMiss, cacheKey, events,
// resources, approval: {need, values}}. kNotFound lists the steps.
[[nodiscard]] Result<Json> StepView(const Place& place, const std::string& ns,
                                    const std::string& run, const std::string& step,
                                    const std::stop_token& stop);

// {"series": [{name, points: [[step, value, time]]}], "progress": {done, total, left}}: what the
// attempt wrote into $PENSTOCK_METRICS; of these names alone, where there are any. No series where
// it wrote nothing.
[[nodiscard]] Result<Json> MetricsView(const Place& place, const KnownRun& run,
                                       const std::string& pod,
                                       const std::vector<std::string>& names);

// The attempt's pod, "" where it had none: of the newest, or of that number, and of one item of a
// looped step. kNotFound says why there is none.
[[nodiscard]] Result<std::string> PodOf(const Place& place, const KnownRun& run,
                                        const std::string& step, std::optional<int> attempt,
                                        std::optional<int> item, const std::stop_token& stop);

}  // namespace penstock::views
