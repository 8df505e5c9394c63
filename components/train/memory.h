// What a training of one label reads, and which rows of it it learns from: those that memory holds,
// of which the label is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/step.h"
#include "components/train/init/source.h"
#include "components/train/options.h"
#include "components/train/surroundings.h"
#include "components/train/target.h"
#include "components/transform/training_table.h"

namespace penstock::train {

struct TableSize {
  std::uint64_t rows = 0;
  std::uint64_t features = 0;  // of the matrix
  std::uint64_t columns = 0;   // that the recipe reads
  std::uint64_t answers = 1;   // numbers that a model answers a row with: of several classes, each
};

// Of one float32 matrix.
[[nodiscard]] std::uint64_t MatrixBytes(const TableSize& size);

// About what a training needs at its peak: the columns, a fold's two matrices, and what learners
// make of them (a binned or transposed copy); labels, weights and answers, of each setting that is
// tried.
[[nodiscard]] std::uint64_t NeededBytes(const TableSize& size);

// The share of the rows that fits: 1 where all do. `memory`: bytes that the process may use.
[[nodiscard]] double ShareThatFits(const TableSize& size, std::uint64_t memory);

// Chooses about `share` of the source's rows, by a hash of what is in `columns` and of how many
// rows before it hold the same: the same rows for the same dataset, however it is cut into batches,
// and equal rows each on their own. Equal rows are counted in a table of fixed size, so that memory
// does not grow with the rows.
[[nodiscard]] Result<void> Sample(const std::vector<std::string>& columns, double share,
                                  std::uint64_t seed, Source& source);

struct Inputs {
  std::vector<Source> sources;
  sdk::TransformSpec recipe;
  std::optional<InitSource> init;
  bool predictions = false;  // they are an output
  // What is there already: the rows of `sources` were chosen for all labels together.
  struct Chosen {
    TableSize size;
    double share = 1;
  };
  std::optional<Chosen> chosen;
};

// `options.label` names the label, `all` every label that is learnt beside it, too. Invalid where
// one of them, or the weight, is a feature of the transform, and where the weight is one of `all`.
// What the input `init` is goes into the options of mlp.
[[nodiscard]] Result<Inputs> ReadInputs(const sdk::Step& step, TrainOptions& options,
                                        const std::vector<std::string>& all = {});

// Chooses the rows that memory holds once for several labels, so that they are the same ones: of
// rows chosen for each label on its own few would be of all.
[[nodiscard]] Result<void> ChooseForAll(const std::vector<std::string>& labels,
                                        const TrainOptions& options, const Surroundings& around,
                                        Inputs& inputs);

struct TakenRows {
  Labels labels;
  TableSize size;
  double share = 1;
};
// Chooses the rows of `inputs`, unless that is done, and reads their labels. Of several labels a
// row of which it is null does not count; a valid of nothing but such rows is left out. Invalid
// where train is so.
[[nodiscard]] Result<TakenRows> TakeRows(const TrainOptions& options, const Surroundings& around,
                                         As as, Inputs& inputs);
// Their features.
[[nodiscard]] Result<transform::TrainingTable> LoadRows(const Inputs& inputs);

}  // namespace penstock::train
