// What both ways to run train share (run.cc, run_plain.cc).
#pragma once

#include <memory>
#include <vector>

#include "components/train/learner.h"
#include "components/train/options.h"
#include "components/train/surroundings.h"

namespace penstock::train {

// Those that options.model asks for and that need no LibTorch, the simpler first.
void AddPlainLearners(const TrainOptions& options, std::vector<std::unique_ptr<Learner>>& learners);

// The clock, the memory and standard output of this process; no learners yet.
[[nodiscard]] Surroundings ThisProcess();

}  // namespace penstock::train
