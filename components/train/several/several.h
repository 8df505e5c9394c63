// Several labels: each is learnt as if alone, by what is known of it (binary relevance: Tsoumakas
// and Katakis, Int. J. Data Warehousing and Mining 3, 2007), and the models are kept together
// (model_format/label_models.h).
#pragma once

#include <string>
#include <vector>

#include "components/sdk/step.h"
#include "components/train/options.h"
#include "components/train/surroundings.h"

namespace penstock::train {

// Of a step with one label (train.h) or several: `labels`, or the columns with that role.
[[nodiscard]] Result<void> TrainLabels(sdk::Step& step, const Surroundings& around);

// Writes the step's outputs and results. maxTime is shared: each label has what is left, divided by
// the labels left. Invalid names the label.
[[nodiscard]] Result<void> TrainSeveral(sdk::Step& step, const TrainOptions& options,
                                        const std::vector<std::string>& labels,
                                        const Surroundings& around);

}  // namespace penstock::train
