// The training loop: Adam on mini-batches of a matrix in memory, cosine decay of the learning rate,
// the best epoch by the validation metric kept. The same data, options and thread count give the
// same weights on a CPU. Small networks are trained by one thread, whatever the quota.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "components/sdk/matrix.h"
#include "components/sdk/network.h"
#include "components/train/options.h"
#include "operator/base/result.h"

namespace penstock::train {

struct EpochReport {
  std::int64_t epoch = 0;  // from 1
  double loss = 0;         // mean over the epoch's rows, with dropout
  std::string metric;      // auc, accuracy, rmse
  double value = 0;        // on the validation rows
  double seconds = 0;
};

struct Trained {
  std::shared_ptr<sdk::Network> network;  // on the CPU, the best epoch's weights, evaluation mode
  std::int64_t epochs = 0;                // that were run
  std::int64_t best_epoch = 0;
  double loss = 0;     // of the best epoch
  double seconds = 0;  // of all epochs, validation included
};

// `valid` may be `train` itself when there is no other. Invalid for a device that is not there, and
// when the loss stops being a number (says to lower learningRate).
[[nodiscard]] Result<Trained> Train(const sdk::LabelledMatrix& train,
                                    const sdk::LabelledMatrix& valid,
                                    const std::vector<sdk::Feature>& features,
                                    const sdk::Label& label, const TrainOptions& options,
                                    const std::function<void(const EpochReport&)>& report);

}  // namespace penstock::train
