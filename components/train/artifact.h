// Writes the model's folder (model_format/model_artifact.h): the same inputs, outputs, classes and
// threshold whichever learner won.
#pragma once

#include <string>
#include <vector>

#include "components/train/outcome.h"
#include "components/train/target.h"
#include "components/train/trials.h"

namespace penstock::train {

// Everything of model.yaml but the back end's files and the metrics.
[[nodiscard]] Result<sdk::ModelManifest> DescribeModel(const Labels& labels,
                                                       const TrainOptions& options,
                                                       const Outcome& outcome);

// The back end's files, transform.json, model.yaml, examples.jsonl (rows of valid, or of train
// where there is none, with the model's answers) and statistics.json (of train, and of the answers
// to rows held out).
[[nodiscard]] Result<void> WriteModel(const std::string& folder, const Table& table,
                                      const std::vector<Source>& sources, Outcome& outcome);

}  // namespace penstock::train
