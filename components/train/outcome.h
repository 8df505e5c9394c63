// What a training came to: all that its outputs are written from. A value type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/sdk/metrics.h"
#include "components/train/calibrate.h"
#include "components/train/choose.h"
#include "components/train/learning_curve.h"
#include "components/train/memory.h"

namespace penstock::train {

struct Outcome {
  Choice choice;
  FittedModel fitted;
  bool refitted = false;    // on all rows; else on train's alone
  HeldOutAnswers held_out;  // of the chosen candidate, in the first repeat; calibrated if wanted,
                            // each by rows of other parts
  sdk::Calibration calibration;
  double threshold = 0.5;
  std::vector<std::string> notes;      // what was asked for and could not be had
  std::optional<LearningCurve> curve;  // where it was asked for and there are rows enough
  std::optional<OverfitReport> batch;  // where it was asked for
  sdk::ModelManifest manifest;         // without the back end's files
  sdk::Metrics metrics;                // of held_out
  TableSize size;                      // before rows were sampled
  double share = 1;                    // of the rows that was learnt from
};

// The answers to rows held out of the chosen candidate: of the first repeat, in the order of rows.
[[nodiscard]] HeldOutAnswers HeldOutOf(const Labels& labels, const FoldPlan& plan,
                                       const Candidate& candidate);

}  // namespace penstock::train
