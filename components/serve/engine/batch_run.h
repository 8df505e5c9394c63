// Runs one batch on a model: joins the jobs' rows, runs, cuts the answer apart. Pure but for the
// model.
#pragma once

#include <vector>

#include "components/serve/engine/batch_queue.h"
#include "components/serve/engine/model_names.h"

namespace penstock::serve {

// One result a job, in order. At most `max_rows` rows (of a batched model) are computed together: a
// job that has more is cut and its answers are joined. When a batch of several jobs fails, each is
// run again alone, so that only the guilty one fails. An exception of the model is its refusal of
// these inputs (Invalid): it has answered its own examples.
[[nodiscard]] std::vector<Result<std::vector<Tensor>>> RunBatch(const Model& model,
                                                                const std::vector<JobPtr>& batch,
                                                                std::int64_t max_rows);

}  // namespace penstock::serve
