// The output `predictions`: what the chosen candidate answered to each row when it was held out.
//
//   columns whose role is id, the row's number in its dataset (`row`), the dataset (`dataset`), the
//   `fold` that held it out, the label's column, then the answer: `probability`, `probability_0`
//   and so on in the order of model.yaml's classes, or `prediction`
//
// For calibration, audits of labels, and a second model that learns from the first one's answers.
#pragma once

#include <string>
#include <vector>

#include "components/train/calibrate.h"
#include "components/train/target.h"

namespace penstock::train {

// What WritePredictions would refuse: an id column, or the label, that has the name of one of ours,
// or is not in both datasets. For before hours of training.
[[nodiscard]] Result<void> CheckPredictions(const std::vector<Source>& sources,
                                            const Labels& labels);

[[nodiscard]] Result<void> WritePredictions(const std::string& folder,
                                            const std::vector<Source>& sources,
                                            const Labels& labels, const HeldOutAnswers& held_out);

}  // namespace penstock::train
