#include <chrono>
#include <cstdio>

#include "components/train/run/run.h"
#include "components/train/run/runner.h"
#include "components/train/several/several.h"
#include "operator/os/cgroup.h"

namespace penstock::train {

void AddPlainLearners(const TrainOptions& options,
                      std::vector<std::unique_ptr<Learner>>& learners) {
  const bool all = options.model == "auto";
  if (all || options.model == "linear") learners.push_back(MakeLinear(options.linear));
  if (all || options.model == "boosting") learners.push_back(MakeBoosting(options.boosting));
}

Surroundings ThisProcess() {
  Surroundings around;
  around.seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  around.memory = UsableMemory();
  around.print = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  return around;
}

Result<void> RunTrainWithoutNetworks(sdk::Step& step) {
  Surroundings around = ThisProcess();
  around.learners = [](const TrainOptions& options) {
    std::vector<std::unique_ptr<Learner>> learners;
    AddPlainLearners(options, learners);
    return learners;
  };
  return TrainLabels(step, around);
}

}  // namespace penstock::train
