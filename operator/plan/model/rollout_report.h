// What is kept, as an artifact, of a version that was rejected or rolled back: the evidence as
// JSON, and a page for people that loads and runs nothing. Pure.
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

// Of an entry of the history. `evidence`: what was counted, where it is known still; null: what the
// entry says is all. The stable version, and the rollout's spec, are those of the object.
[[nodiscard]] rollout::Report BuildReport(const api::ModelDeployment& md,
                                          const api::ModelHistoryEntry& entry,
                                          const rollout::Evidence* evidence);

// Puts the digests of reports that were stored into the history, with an event each, and asks for
// the newest that is missing (where the operator ended before it was stored). The plan's own
// report, with the evidence, is asked for already.
void PutReports(const ModelObserved& observed, TimePoint now, ModelPlan& plan);

}  // namespace penstock::plan
