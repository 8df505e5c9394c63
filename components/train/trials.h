// A learner's settings on every fold: the recipe is fitted again on the fold's training rows, so
// that nothing of those held out is in its constants.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/train/folds.h"
#include "components/train/options.h"
#include "components/train/surroundings.h"
#include "components/train/target.h"
#include "components/train/trial_store.h"
#include "components/transform/training_table.h"

namespace penstock::train {

// All that a fit needs. Borrowed by those who are given it.
struct Table {
  const transform::TrainingTable& rows;
  const Labels& labels;
  const TrainOptions& options;
  const Surroundings& around;
  const TrialStore& store;
  Json parameters;  // as given; of the trials' keys
};

// A fitted model with the recipe that makes its matrix.
struct FittedModel {
  sdk::TransformSpec spec;
  std::size_t features = 0;
  std::shared_ptr<const Fitted> model;
};

struct Candidate {
  const Learner* learner = nullptr;
  bool log_target = false;  // it learnt log(y); answers are exp of its own
  Json setting = Json::object();
  std::optional<double> rounds;              // the mean of the folds'
  std::vector<std::vector<double>> answers;  // by fold, of its rows held out; in the label's unit
  std::optional<FittedModel> kept;           // where nothing is fitted again
};

// May be empty: never.
using Lost = std::function<bool(const std::vector<Candidate>& so_far)>;

// Are labels such that their logarithm is worth trying (all above 0, skewed)?
[[nodiscard]] bool IsSkewed(const Labels& labels);

// Each setting over all folds, or over the first ones where `lost`, asked after each with what
// there is so far, says so (then answers are of fewer folds than the plan has). The error is the
// learner's, or the recipe's; Cancelled where the surroundings say stop. `keep`: Candidate::kept is
// wanted (one fold only).
[[nodiscard]] Result<std::vector<Candidate>> TryLearner(const Table& table, const FoldPlan& plan,
                                                        const Learner& learner, bool log_target,
                                                        bool keep, const Lost& lost);

// The candidate's setting on these rows.
[[nodiscard]] Result<FittedModel> FitCandidate(const Table& table, const Candidate& candidate,
                                               const std::vector<std::uint32_t>& rows);

// Whether a learner that can tell learns one batch of these rows by heart; nothing where none can.
[[nodiscard]] Result<std::optional<OverfitReport>> LearnOneBatch(
    const Table& table, const std::vector<std::unique_ptr<Learner>>& learners,
    const std::vector<std::uint32_t>& rows);

// Its answers in the label's unit, to rows of the table.
[[nodiscard]] Result<std::vector<double>> AnswerRows(const Table& table, const Candidate& candidate,
                                                     const FittedModel& fitted,
                                                     const std::vector<std::uint32_t>& rows);

}  // namespace penstock::train
