// Answers to rows held out, of several labels together: which of them are known of which row
// differs by label. A value type.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "components/sdk/labels/label_metrics.h"
#include "components/train/train.h"

namespace penstock::train {

class SeveralAnswers {
 public:
  // `datasets`: train and, if there is one, valid, with all their rows.
  [[nodiscard]] static Result<SeveralAnswers> Make(std::vector<Source> datasets,
                                                   std::vector<std::string> labels);

  // What a label's chosen candidate answered. Labels come in order, each once.
  void Add(const LabelTraining& training);

  // Over the rows that were held out for some label.
  [[nodiscard]] sdk::Metrics Measure(double confidence) const;
  [[nodiscard]] std::size_t rows() const;  // of them

  // Of memory that an object holds, and Measure needs beside it, for each row and label.
  static constexpr std::uint64_t kBytesEach = 24;

  // What Write would refuse; for before hours of training.
  [[nodiscard]] Result<void> CheckColumns() const;

  // A dataset: columns whose role is id, `dataset`, `row`, then of each label its column,
  // `fold_<label>` and `probability_<label>`, null where the row was not held out for it. Invalid
  // where two columns would have one name.
  [[nodiscard]] Result<void> Write(const std::string& folder) const;

 private:
  struct OfLabel {  // by row, numbered through the datasets
    std::vector<double> probability;
    std::vector<std::int32_t> fold;  // -1: the row was not held out
    std::vector<std::uint8_t> decided;
    std::vector<sdk::Truth> truth;
  };
  class Writer;

  std::vector<Source> datasets_;
  std::vector<std::size_t> first_;  // row of each dataset, and the end
  std::vector<std::string> labels_;
  std::vector<OfLabel> answers_;
  std::vector<double> weights_;         // by row; empty: 1 each
  std::vector<std::uint8_t> held_out_;  // by row: for some label
};

}  // namespace penstock::train
