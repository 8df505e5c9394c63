#include "components/train/run/run.h"

#include "components/train/run/runner.h"
#include "components/train/several/several.h"

namespace penstock::train {

Result<void> RunTrain(sdk::Step& step) {
  Surroundings around = ThisProcess();
  around.learners = [](const TrainOptions& options) {
    std::vector<std::unique_ptr<Learner>> learners;
    AddPlainLearners(options, learners);
    if (options.model == "auto" || options.model == "mlp") learners.push_back(MakeMlp(options.mlp));
    return learners;
  };
  return TrainLabels(step, around);
}

}  // namespace penstock::train
