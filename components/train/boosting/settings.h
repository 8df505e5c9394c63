// What boosting is tried with, and how a setting and a loss are said to xgboost. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

struct BoostingSetting {
  std::int64_t depth = 4;
  double learning_rate = 0.1;
  double min_child_weight = 1;
  double lambda = 1;
  double subsample = 1;     // of the rows, anew each round
  std::int64_t bins = 256;  // of quantiles, at most, a number
  bool operator==(const BoostingSetting&) const = default;
};

// {"id": ..., "depth": ..., ...}, and back. Invalid names what is missing.
[[nodiscard]] Json ToJson(const BoostingSetting& setting);
[[nodiscard]] Result<BoostingSetting> ParseBoostingSetting(const Json& json);

// What is tried on data of so many rows, training and held-out ones together: the same in every
// fold. What the user said holds in each.
[[nodiscard]] std::vector<BoostingSetting> BoostingSettings(const BoostingOptions& options,
                                                            std::size_t rows, std::size_t features,
                                                            const Target& target);

// The rounds after which a model is asked for its answers, ascending, each about a quarter more
// than the last; the last bounds the time. Only options.rounds where it is given.
[[nodiscard]] std::vector<int> BoostingLadder(const BoostingOptions& options,
                                              const BoostingSetting& setting, std::size_t rows,
                                              std::size_t features, const Target& target);

// What one round costs, in units of 1e6 multiply-adds (Learner::Cost).
[[nodiscard]] double RoundCost(const BoostingSetting& setting, std::size_t rows,
                               std::size_t features, const Target& target);

// {feature: its share of all that the splits gained}, those that no tree uses left out.
[[nodiscard]] Json GainByFeature(const std::vector<double>& gain,
                                 std::span<const sdk::Feature> features);

// xgboost's parameters of a run on these labels, base_score but for several classes (where xgboost
// takes the classes' frequencies) among them. `weight` as in Rows.
[[nodiscard]] std::map<std::string, std::string> XgboostParameters(const BoostingSetting& setting,
                                                                   const Rows& rows,
                                                                   const Context& context);

}  // namespace penstock::train
