// Runs one batch on a model: joins the jobs' rows, runs, cuts the answer apart. Pure but for the
// model.
#pragma once

#include <vector>

#include "components/serve/batch_queue.h"
#include "components/serve/model.h"

namespace penstock::serve {

// One result a job, in order. When a batch of several fails, each job is run again alone, so that
// only the guilty one fails. An exception of the model counts as its error.
[[nodiscard]] std::vector<Result<std::vector<Tensor>>> RunBatch(const Model& model,
                                                                const std::vector<JobPtr>& batch);

}  // namespace penstock::serve
