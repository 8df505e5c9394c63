// One training of a network: learning-rate finder, 1-cycle over all its epochs, checkpoints. It
// sees no held-out rows and never ends early: a cycle that is cut is another schedule than the
// whole.
//
// The same inputs give the same bits, wherever it was interrupted: the order of an epoch's rows
// comes from the seed and the epoch, the values dropped in a step from the seed and the step, so
// that weights, moments and the position are the whole state. Includes LibTorch.
#pragma once

#include <memory>
#include <optional>

#include "components/sdk/network.h"
#include "components/train/learner.h"
#include "components/train/mlp/init.h"
#include "components/train/mlp/plan.h"

namespace penstock::train {

struct TrainingRequest {
  Plan plan;                            // its epochs are those of the cycle
  std::optional<double> learning_rate;  // none: the finder's
  Rows train;
  std::shared_ptr<const Init> init = nullptr;  // none: all weights by chance
};

struct Training {
  std::shared_ptr<sdk::Network> network;  // on the CPU, evaluation mode
  double learning_rate = 0;
  double train_loss = 0;     // of the last epoch, with dropout
  double multiply_adds = 0;  // of all steps, the finder's too
  std::optional<InitReport> init = std::nullopt;
};

// Invalid for rows that are not finite or ids outside of their feature, for a device that is not
// there, and when the loss stops being a number (says to lower learningRate). Cancelled when
// `context.stop` says so; with a checkpoint folder the state is then there.
[[nodiscard]] Result<Training> TrainNetwork(const TrainingRequest& request, const Context& context);

// The width of a row as it enters the first layer.
[[nodiscard]] std::size_t InputWidth(std::span<const sdk::Feature> features);

}  // namespace penstock::train
