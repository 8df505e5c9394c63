// How one setting does on held-out rows as it is trained longer: asked at the rungs of a ladder
// (rounds of boosting, epochs of mlp), ended early where it has long been worse than at its best.
//
// Nothing answers rows by a rung that those rows chose, as such answers would be too good by as
// much as the rung was lucky with them (Cawley, Talbot: On Over-fitting in Model Selection, Journal
// of Machine Learning Research 11, 2010):
//
//   few rows    each rung is a trial of its own; the frame chooses among settings and rungs, and
//               scores its choice without the rows that it chose by (nested.h)
//   many rows   one trial: each half of the held-out rows is answered by the rung that is best on
//               the other half, and the rounds of a refit are those best on both
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

// Whether the answers of every rung fit into memory. `rows`: training and held-out ones together,
// the same in every fold.
[[nodiscard]] bool KeepsAllRungs(std::size_t rows, const Target& target);

// The half, 0 or 1, that a held-out row is of: a hash of its place, as tables come sorted.
[[nodiscard]] std::size_t HalfOf(std::size_t row);

class TrialCurve {
 public:
  // `patience`: rungs without a better loss, of all rows or of a half, after which it has ended.
  TrialCurve(std::vector<int> ladder, bool all, std::size_t patience);

  [[nodiscard]] bool Ended() const;
  [[nodiscard]] int NextRung() const { return ladder_[losses_.size()]; }  // unless Ended
  // `losses`: of each held-out row, times its weight; `answers` as Fitted::Answer.
  void Add(std::span<const double> losses, std::vector<double> answers);

  // A trial a rung, or one. Those after an early end are the last one that was asked, answers and
  // rounds: a refit takes the mean of the folds' rounds, and must not go on where none was judged.
  void Append(const Json& setting, std::vector<Trial>* trials) const;
  // Whether the rung that was added last is the best of all rows so far.
  [[nodiscard]] bool IsAtItsBest() const { return best_[2] + 1 == losses_.size(); }

  // What another curve must have in common with it to go on from its state.
  [[nodiscard]] Json Describe() const { return {ladder_, all_, patience_, "losses by halves"}; }
  // For a checkpoint. Read is Internal where it is of another ladder.
  [[nodiscard]] Json Write() const;
  [[nodiscard]] Result<void> Read(const Json& json);

 private:
  void FindBest();

  std::vector<int> ladder_;
  bool all_;
  std::size_t patience_;
  std::vector<std::array<double, 2>> losses_;  // of the rungs so far: the sum over each half
  std::array<std::size_t, 3> best_{};          // rung: of each half, of both
  std::vector<std::vector<double>> answers_;   // of each rung, or those that are crossed
};

// Bytes in a Json, and back.
[[nodiscard]] Json BinaryOf(std::string_view bytes);
[[nodiscard]] std::string BytesOf(const Json& binary);

}  // namespace penstock::train
