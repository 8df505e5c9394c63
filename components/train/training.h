// The training of one label, from the step's inputs to a chosen and fitted model: everything but
// what is written. An object is made once and moved nowhere: its parts refer to each other.
#pragma once

#include <memory>
#include <vector>

#include "components/train/inputs.h"
#include "components/train/options.h"
#include "components/train/outcome.h"
#include "components/train/surroundings.h"
#include "components/train/target.h"
#include "components/train/trial_store.h"
#include "components/train/trials.h"

namespace penstock::train {

struct Training {
  TrainOptions options;
  Inputs inputs;
  Labels labels;
  transform::TrainingTable rows;
  TrialStore store;
  std::vector<std::unique_ptr<Learner>> learners;  // the outcome refers to the chosen one
  Table table;
  Outcome outcome;

  Training(const TrainOptions& asked, Inputs read, Labels learnt, transform::TrainingTable loaded,
           const Surroundings& around, Json parameters);
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;
};

// Samples, chooses, fits, judges. `parameters`: the step's, as given.
[[nodiscard]] Result<std::unique_ptr<Training>> LearnOneLabel(const TrainOptions& options,
                                                              Inputs inputs,
                                                              const Surroundings& around,
                                                              const Json& parameters, As as);

}  // namespace penstock::train
