// How one setting does on held-out rows round by round: asked at the rungs of a ladder, ended early
// where it has long been worse than at its best.
#pragma once

#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

// Whether the answers of every rung fit into memory, so that each is a trial of its own and the
// frame can choose the rounds by the mean over the folds. Else the best rung is the only trial, and
// what it says of itself is by so much too good as it was chosen on its own rows. `rows`: training
// and held-out ones together, the same in every fold.
[[nodiscard]] bool KeepsAllRungs(std::size_t rows, const Target& target);

class TrialCurve {
 public:
  TrialCurve(std::vector<int> ladder, bool all);

  [[nodiscard]] bool Ended() const;
  [[nodiscard]] int NextRound() const { return ladder_[losses_.size()]; }  // unless Ended
  void Add(double loss, std::vector<double> answers);

  // A trial a rung (those after an early end answer as the last one that was asked), or the best.
  void Append(const Json& setting, std::vector<Trial>* trials) const;

  // For a checkpoint. Read is Internal where it is of another ladder.
  [[nodiscard]] Json Write() const;
  [[nodiscard]] Result<void> Read(const Json& json);

 private:
  std::vector<int> ladder_;
  bool all_;
  std::vector<double> losses_;                // of the rungs so far
  std::vector<std::vector<double>> answers_;  // of each, or of the best alone
  std::size_t best_ = 0;
};

// Bytes in a Json, and back.
[[nodiscard]] Json BinaryOf(std::string_view bytes);
[[nodiscard]] std::string BytesOf(const Json& binary);

}  // namespace penstock::train
