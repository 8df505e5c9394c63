// One training of a network: learning-rate finder, 1-cycle over the epochs, the best epoch by
// held-out rows where there are any, checkpoints.
//
// The same inputs give the same bits, wherever it was interrupted: the order of an epoch's rows
// comes from the seed and the epoch, the values dropped in a step from the seed and the step, so
// that weights, moments and the position are the whole state. Includes LibTorch.
#pragma once

#include <memory>
#include <optional>

#include "components/sdk/network.h"
#include "components/train/learner.h"
#include "components/train/mlp/plan.h"

namespace penstock::train {

struct TrainingRequest {
  Plan plan;                            // its epochs are those of the cycle
  std::optional<double> learning_rate;  // none: the finder's
  Rows train;
  const Rows* held_out = nullptr;  // null: all epochs are run, the last weights kept
};

struct Training {
  std::shared_ptr<sdk::Network> network;  // on the CPU, evaluation mode
  double learning_rate = 0;
  std::int64_t epochs = 0;  // that were run
  std::int64_t best_epoch = 0;
  double train_loss = 0;             // of the best epoch, with dropout
  std::optional<double> valid_loss;  // of the best epoch
  double multiply_adds = 0;          // of all steps, the finder's too
};

// Invalid for rows that are not finite or ids outside of their feature, for a device that is not
// there, and when the loss stops being a number (says to lower learningRate). Cancelled when
// `context.stop` says so; with a checkpoint folder the state is then there.
[[nodiscard]] Result<Training> TrainNetwork(const TrainingRequest& request, const Context& context);

// The width of a row as it enters the first layer.
[[nodiscard]] std::size_t InputWidth(std::span<const sdk::Feature> features);

}  // namespace penstock::train
