// What is learnt: the label of each row as a number, how much the row counts, and which rows belong
// together. Read from the datasets' columns by their roles. A value type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/sdk/matrix.h"
#include "components/train/learner.h"
#include "components/train/options.h"
#include "operator/base/result.h"

namespace penstock::train {

// One of the datasets that make up the table; their rows are numbered through, train's first.
struct Source {
  std::string name;  // "train", "valid"
  std::string path;
  std::vector<std::uint32_t> keep;  // rows of it, ascending; used only where `sampled`
  bool sampled = false;
};

// How a label is learnt.
enum class As : std::uint8_t {
  kAlone,         // a row of which it is null is Invalid
  kOneOfSeveral,  // of two classes; the rows of which it is null are not among the sources'
};

struct Labels {
  sdk::Label label;  // classes of two: [negative, positive]
  Target target;
  std::size_t train_rows = 0;        // of y; the others are valid's
  std::vector<double> y;             // index of the class, or the value
  std::vector<double> weight;        // of the weight column; empty: 1 each
  std::vector<double> fit_weight;    // the same times the class's; empty: 1 each
  std::vector<std::uint32_t> group;  // of the group column; empty: none
  std::vector<std::string> notes;    // what was taken for what, and how to have it otherwise

  [[nodiscard]] std::size_t rows() const { return y.size(); }
  [[nodiscard]] bool classification() const {
    return label.task == sdk::ModelTask::kClassification;
  }
};

// Invalid names the dataset, the column and the row: a label that is null or no class of train's, a
// weight that is null, negative or no number, a label below 0 for loss poisson, a class of
// `positive` or `classWeight` that is not there.
[[nodiscard]] Result<Labels> LoadTarget(const std::vector<Source>& sources,
                                        const TrainOptions& options, As as = As::kAlone);

}  // namespace penstock::train
