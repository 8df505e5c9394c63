// What is chosen for a network where the user says nothing: from the number of rows and columns
// only, never from a name. Pure, value types; no LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/json.h"

namespace penstock::train {

struct Plan {
  std::string id;  // light, strong, given
  std::vector<std::int64_t> hidden;
  double dropout = 0;
  double embedding_dropout = 0;
  double weight_decay = 0;  // decoupled: a step takes rate * weight_decay of each weight
  double label_smoothing = 0;
  std::int64_t batch_size = 1;  // at most the rows
  std::int64_t epochs = 1;      // of the cycle, the longest that is tried
  std::int64_t networks = 1;    // whose mean answers
  bool direct = false;          // from inputs to the answer (sdk/network.h)
  bool operator==(const Plan&) const = default;
};

// What is tried: little dropout and much, or what the user gives; one plan where nothing is hidden.
// `rows`: training and held-out ones together, so that plans are the same in every fold and in the
// refit. `width`: values of a row that enter the first layer (an id is its embedding's width).
//
//   hidden    128 below 1,000 rows, else 128 and 64
//   batch     about a tenth of the rows, a power of two in [32, 1024]: small tables get steps, and
//             few, as a step of few rows takes nearly the time of one of many
//   epochs    what makes about 600 steps, in [20, 120]; fewer (but 3) where one network would take
//             more than 6e10 multiply-adds
//   direct    a path from inputs to the answer, but of more outputs than a quarter of the hidden
//             values, and not with init, whose layers are all that there is
//   networks  4, fewer where all together would take more than 6e10
[[nodiscard]] std::vector<Plan> MakePlans(const MlpOptions& options, std::size_t rows,
                                          std::size_t width, const Target& target);

// The cycles that are tried, in epochs: each a training of its own with its whole 1-cycle, since a
// cycle that is left early is at a rate that it was to come down from. A ninth, a third and the
// whole, of at least 3 epochs; the whole alone where the user gives the epochs.
[[nodiscard]] std::vector<int> EpochLadder(const MlpOptions& options, const Plan& plan);

// Multiply-adds of one network: a row forwards; and of `epochs` epochs of training (a step takes
// three times a row's) with the learning-rate finder.
[[nodiscard]] double RowCost(const Plan& plan, std::size_t width, const Target& target);
[[nodiscard]] double TrainingCost(const Plan& plan, std::size_t rows, std::size_t width,
                                  const Target& target);
// Steps of a training, the finder's too.
[[nodiscard]] double TrainingSteps(const Plan& plan, std::size_t rows);

// A Trial's setting and back. Parse is Invalid for what is no such setting.
[[nodiscard]] Json ToSetting(const Plan& plan);
[[nodiscard]] Result<Plan> ParseSetting(const Json& setting);

}  // namespace penstock::train
