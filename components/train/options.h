// What the component `train` was asked for. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/step.h"
#include "components/train/init/source.h"
#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

enum class ThresholdBy : std::uint8_t { kFixed, kF1, kAccuracy, kBalancedAccuracy, kYouden, kCost };

struct ThresholdOptions {
  ThresholdBy by = ThresholdBy::kFixed;
  double fixed = 0.5;
  double false_positive = 1;  // kCost: what a wrong decision costs
  double false_negative = 1;
};

struct TrainOptions {
  std::string name;                 // of the model; empty: the label
  std::string label;                // empty: the column with that role
  std::vector<std::string> labels;  // several, in place of label
  std::string weight;               // empty: the column with that role, if there is one
  std::string task = "auto";        // auto, classification, regression
  std::string loss = "auto";        // auto, squared, absolute, huber, poisson, quantile
  double quantile = 0.5;            // of loss quantile
  std::string log_target = "auto";  // auto, always, never
  Json positive;                    // null: the second class in order
  Json class_weight = "none";       // none, balanced, {class: weight}

  std::string model = "auto";      // auto, linear, boosting, mlp
  std::string metric = "auto";     // what chooses; metric.h
  std::int64_t folds = 0;          // 0: by the rows
  bool refit = true;               // on train and valid, once chosen
  bool learning_curve = false;     // learning_curve.h
  bool overfit_one_batch = false;  // Learner::LearnOneBatch, before anything is fitted
  double budget = 0;               // in 1e9 multiply-adds
  std::optional<double> max_time;  // seconds after which no further candidate is begun
  std::string checkpoint;          // a folder; empty: none
  std::int64_t threads = 1;
  std::int64_t seed = 0;
  std::string device = "auto";  // auto, cpu, cuda; mlp only

  ThresholdOptions threshold;
  sdk::CalibrationMethod calibrate = sdk::CalibrationMethod::kNone;
  std::int64_t examples = 20;

  LinearOptions linear;
  BoostingOptions boosting;
  MlpOptions mlp;
};

// Invalid for a parameter that belongs to another model than the one that is asked for, by name.
[[nodiscard]] Result<TrainOptions> ReadOptions(const Json& parameters);

// The input `init` of the step, into the options of mlp; nothing where there is none. Invalid where
// it means nothing to the model that is asked for.
[[nodiscard]] Result<std::optional<InitSource>> ReadInit(const sdk::Step& step,
                                                         TrainOptions& options);

// Whether these parameters may end in a network, which needs LibTorch.
[[nodiscard]] bool MayNeedNetworks(const Json& parameters);

}  // namespace penstock::train
