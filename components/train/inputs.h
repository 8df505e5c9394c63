// What a training of one label reads: its datasets and recipe, and which rows of them it learns
// from: what memory holds, and what the label is known of. Value types.
#pragma once

#include <string>
#include <vector>

#include "components/sdk/step.h"
#include "components/train/memory.h"
#include "components/train/options.h"
#include "components/train/surroundings.h"
#include "components/train/target.h"
#include "components/transform/training_table.h"

namespace penstock::train {

struct Inputs {
  std::vector<Source> sources;
  sdk::TransformSpec recipe;
};

// `options.label` names the label, `all` every label that is learnt beside it, too. Invalid where
// one of them, or the weight, is a feature of the transform.
[[nodiscard]] Result<Inputs> ReadInputs(const sdk::Step& step, const TrainOptions& options,
                                        const std::vector<std::string>& all = {});

// How a label is learnt.
enum class As : std::uint8_t {
  kAlone,         // a row of which it is null is Invalid
  kOneOfSeveral,  // a row of which it is null does not count for it; a valid of nothing but such
                  // rows is left out. Invalid where it is not of two classes
};

struct Taken {
  Labels labels;
  TableSize size;
  double share = 1;
};
// Chooses the rows of `inputs`, and reads their labels.
[[nodiscard]] Result<Taken> TakeRows(const TrainOptions& options, const Surroundings& around, As as,
                                     Inputs& inputs);
// Their features.
[[nodiscard]] Result<transform::TrainingTable> LoadRows(const Inputs& inputs);

}  // namespace penstock::train
