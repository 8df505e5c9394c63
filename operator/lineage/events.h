// OpenLineage events (spec 2-0-2) of a run as it is recorded: START and COMPLETE, FAIL or ABORT of
// the run and of each step that began, which is a run of its own whose parent is the run. Pure.
//
//   job      namespace: the Kubernetes namespace; name: the Pipeline, or "<pipeline>.<step>"
//   runId    the PipelineRun's UID; of a step an UUID (version 8) that comes of it and the step
//   dataset  an artifact: "penstock://<namespace>", "<pipeline>/<step>/<output>" of who made it,
//            its digest as `version`; an outside source: its URI without the query, the
//            fingerprint as `version`
//
// Each run that has a START has one end once the PipelineRun has ended, whatever its steps say.
// What is known of a run always gives the same events, so that one that is sent twice is one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/metadata/record.h"

namespace penstock::lineage {

struct Event {
  std::string key;  // among those of its run: "START", "COMPLETE", "train START"
  Json body;
};

// "<pipeline>/<step>/<output>" of who has made an artifact that no step of this run made; "" where
// nobody knows.
using MadeBy = std::function<std::string(const std::string& digest)>;

// In the order in which it happened. `run` has its steps.
[[nodiscard]] std::vector<Event> EventsOf(const metadata::RunRecord& run, const MadeBy& made_by);

// Of a PipelineRun: its UID, which is an UUID on every cluster; of one that is none, an UUID.
[[nodiscard]] std::string RunId(const std::string& run_uid);
// Of a step's run.
[[nodiscard]] std::string StepRunId(const std::string& run_uid, const std::string& step);

// What a job is called: the Pipeline's name, or that of a run that has none.
[[nodiscard]] std::string JobName(const metadata::RunRecord& run);

}  // namespace penstock::lineage
