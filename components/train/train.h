// The component `train` but for its learners: reads the step, chooses a candidate, fits it, writes
// every output.
//
//   sources -> memory: sample? -> target -> folds -> choose -> calibrate, threshold -> fit -> write
//
// The training of one label is an object of its own, as several labels are learnt one after the
// other (several/).
#pragma once

#include <memory>
#include <vector>

#include "components/sdk/step.h"
#include "components/train/memory.h"
#include "components/train/options.h"
#include "components/train/outcome.h"
#include "components/train/surroundings.h"
#include "components/train/target.h"
#include "components/train/trial_store.h"
#include "components/train/trials.h"
#include "components/transform/training_table.h"

namespace penstock::train {

// Of a step with one label, which `label` or the role names.
[[nodiscard]] Result<void> Train(sdk::Step& step, const Surroundings& around);

// All that a training of one label has but what is written. An object is made once and moved
// nowhere: its parts refer to each other.
struct LabelTraining {
  TrainOptions options;
  Inputs inputs;
  Labels labels;
  transform::TrainingTable rows;
  TrialStore store;
  std::vector<std::unique_ptr<Learner>> learners;  // the outcome refers to the chosen one
  Table table;
  Outcome outcome;

  LabelTraining(const TrainOptions& asked, Inputs read, Labels learnt,
                transform::TrainingTable loaded, const Surroundings& around, Json parameters);
  LabelTraining(const LabelTraining&) = delete;
  LabelTraining& operator=(const LabelTraining&) = delete;
};

// What LearnOneLabel would refuse before it fits anything: of the label's values in both datasets,
// of options that it cannot have, of folds, of the answer of `init`. Takes as long as reading the
// label.
[[nodiscard]] Result<void> LookAtLabel(const TrainOptions& options, Inputs inputs,
                                       const Surroundings& around, As as);

// Samples, chooses, fits, judges. `parameters`: the step's, as given.
[[nodiscard]] Result<std::unique_ptr<LabelTraining>> LearnOneLabel(const TrainOptions& options,
                                                                   Inputs inputs,
                                                                   const Surroundings& around,
                                                                   const Json& parameters, As as);

}  // namespace penstock::train
