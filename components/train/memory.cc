#include "components/train/memory.h"

#include <arrow/api.h>

#include <algorithm>
#include <iterator>

#include "components/sdk/dataset.h"
#include "components/sdk/labels/label_columns.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kUsable = 0.8;               // of memory; the rest is the program, Arrow's buffers
constexpr std::uint64_t kBase = 96ULL << 20;  // libraries, one batch of Parquet
constexpr std::uint64_t kAnAnswer = 10 * 8 + 24;  // ten settings' float64, a learner's own float32
constexpr std::uint64_t kCounters = 1ULL << 22;

}  // namespace

std::uint64_t MatrixBytes(const TableSize& size) { return size.rows * size.features * 4; }

std::uint64_t NeededBytes(const TableSize& size) {
  const std::uint64_t a_row =
      size.columns * 16 + size.features * 4 * 3 + 160 + (size.answers - 1) * kAnAnswer;
  return size.rows * a_row;
}

double ShareThatFits(const TableSize& size, std::uint64_t memory) {
  const double usable = std::max(double(memory) * kUsable - double(kBase), double(memory) * 0.1);
  const double needed = double(NeededBytes(size));
  return needed <= usable ? 1 : usable / needed;
}

Result<void> Sample(const std::vector<std::string>& columns, double share, std::uint64_t seed,
                    Source& source) {
  source.sampled = true;
  source.keep.clear();
  std::vector<std::uint32_t> seen(kCounters, 0);
  std::uint64_t row = 0;
  return sdk::ForEachBatch(
      source.path, columns, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto hashes, sdk::HashRows(batch, columns, seed));
        if (row + hashes.size() > UINT32_MAX) {
          return Invalid("dataset " + source.name +
                         ": more than 4294967295 rows; sample it with query");
        }
        for (const std::uint64_t hash : hashes) {
          const std::uint32_t before = seen[hash % kCounters]++;
          const auto draw = sdk::MixBits(hash + sdk::MixBits(before));
          if (sdk::UnitInterval(draw) < share) {
            source.keep.push_back(std::uint32_t(row));
          }
          ++row;
        }
        return {};
      });
}

namespace {

std::string Mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1ULL << 20) - 1) >> 20) + " MiB";
}

// States what the table takes, and samples it where that is too much.
Result<double> FitIntoMemory(const Surroundings& around, const TrainOptions& options,
                             const std::vector<std::string>& labels, const TableSize& size,
                             Inputs& inputs) {
  const double share = ShareThatFits(size, around.memory);
  around.Say("table", {{"rows", size.rows},
                       {"features", size.features},
                       {"matrix", Mebibytes(MatrixBytes(size))},
                       {"needed", Mebibytes(NeededBytes(size))},
                       {"memory", Mebibytes(around.memory)}});
  if (share >= 1) return 1.0;
  std::vector<std::string> columns;
  for (const auto& column : inputs.recipe.inputs) columns.push_back(column.name);
  columns.insert(columns.end(), labels.begin(), labels.end());
  std::size_t taken = 0;
  for (Source& source : inputs.sources) {
    PENSTOCK_TRY(Sample(columns, share, std::uint64_t(options.seed), source));
    taken += source.keep.size();
  }
  around.Say("sampled", {{"rows", taken},
                         {"of", size.rows},
                         {"why",
                          "the table does not fit into memory; give the step more to learn "
                          "from all rows"}});
  return share;
}

Result<TableSize> SizeOf(const Inputs& inputs) {
  TableSize size;
  for (const auto view : {sdk::View::kDense, sdk::View::kTree, sdk::View::kEmbedding}) {
    if (inputs.recipe.version() == 1) break;  // refused when the table is read
    const auto transform = sdk::Transform::Make(inputs.recipe, view);
    if (transform) size.features = std::max(size.features, std::uint64_t(transform->width()));
  }
  size.columns = inputs.recipe.inputs.size();
  for (const Source& source : inputs.sources) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(source.path));
    size.rows += std::uint64_t(reader->rows());
  }
  return size;
}

// The rows that are taken, numbered through the datasets.
Result<std::vector<std::uint32_t>> KeptRows(const Inputs& inputs) {
  std::vector<std::uint32_t> keep;
  std::uint64_t first = 0;
  for (const Source& source : inputs.sources) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(source.path));
    for (const std::uint32_t row : source.keep) keep.push_back(std::uint32_t(first + row));
    first += std::uint64_t(reader->rows());
  }
  return keep;
}

// Keeps the rows whose label is known, of those that are taken.
Result<void> LeaveOutUnknown(const std::string& label, Source& source, std::size_t& left_out) {
  std::size_t rows = 0;
  PENSTOCK_ASSIGN(auto known, sdk::LabelledRows(source.path, label, &rows));
  if (!source.sampled) {
    left_out += rows - known.size();
    source.keep = std::move(known);
  } else {
    std::vector<std::uint32_t> both;
    std::set_intersection(source.keep.begin(), source.keep.end(), known.begin(), known.end(),
                          std::back_inserter(both));
    left_out += source.keep.size() - both.size();
    source.keep = std::move(both);
  }
  source.sampled = true;
  return {};
}

// Rows of which the label is not known tell nothing of it.
Result<void> LeaveOutUnknown(const Surroundings& around, const std::string& label, Inputs& inputs) {
  std::size_t left_out = 0;
  std::vector<Source> known = inputs.sources;
  for (Source& source : known) {
    auto left = LeaveOutUnknown(label, source, left_out);
    if (!left) return Wrap("dataset " + source.name, left.error());
  }
  if (left_out == 0) return {};
  around.Say("label", {{"what", "label '" + label + "': " + std::to_string(left_out) +
                                    " rows of which it is null do not count for it"}});
  if (known.front().keep.empty()) {
    return Invalid("dataset train: label '" + label + "' is null in every row");
  }
  if (known.size() > 1 && known.back().keep.empty()) {
    around.Say("label", {{"what", "label '" + label + "' is null in every row of valid"}});
    known.pop_back();
  }
  inputs.sources = std::move(known);
  return {};
}

// A label that weighs the rows of another would tell of itself.
Result<void> CheckWeight(std::string weight, const std::vector<std::string>& labels,
                         const std::string& train) {
  if (labels.empty()) return {};
  if (weight.empty()) {
    PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(train));
    if (schema.Of(sdk::Role::kWeight).empty()) return {};
    PENSTOCK_ASSIGN(weight, sdk::TheColumnOf(schema, sdk::Role::kWeight));
  }
  if (std::find(labels.begin(), labels.end(), weight) == labels.end()) return {};
  return Invalid("weight '" + weight +
                 "' is one of the labels; a label that weighs the rows of the others tells of "
                 "itself. Name another weight, or leave it out of labels");
}

}  // namespace

Result<Inputs> ReadInputs(const sdk::Step& step, TrainOptions& options,
                          const std::vector<std::string>& all) {
  Inputs inputs;
  inputs.predictions = step.HasOutput("predictions");
  for (const char* name : {"train", "valid"}) {
    if (std::string(name) == "valid" && !step.HasInput(name)) continue;
    PENSTOCK_ASSIGN(auto path, step.InputPath(name));
    inputs.sources.push_back({name, std::move(path), {}, false});
  }
  PENSTOCK_ASSIGN(const auto transform_file, step.InputPath("transform"));
  PENSTOCK_ASSIGN(inputs.recipe, sdk::LoadTransformSpec(transform_file));
  PENSTOCK_ASSIGN(inputs.init, ReadInit(step, options));
  if (inputs.init) {
    PENSTOCK_ASSIGN(inputs.recipe, RecipeWith(*inputs.init, inputs.recipe));
  }
  PENSTOCK_TRY(CheckWeight(options.weight, all, inputs.sources.front().path));
  for (const auto& column : inputs.recipe.inputs) {
    if (std::find(all.begin(), all.end(), column.name) != all.end()) {
      return Invalid("label '" + column.name +
                     "' is a feature of the transform; fit that with all of them as labels");
    }
    const bool label = column.name == options.label;
    if (!label && column.name != options.weight) continue;
    const std::string role = label ? "label" : "weight";
    return Invalid(role + " '" + column.name + "' is a feature of the transform; fit that with " +
                   role + ": " + column.name);
  }
  return inputs;
}

Result<void> ChooseForAll(const std::vector<std::string>& labels, const TrainOptions& options,
                          const Surroundings& around, Inputs& inputs) {
  Inputs::Chosen chosen;
  PENSTOCK_ASSIGN(chosen.size, SizeOf(inputs));
  PENSTOCK_ASSIGN(chosen.share, FitIntoMemory(around, options, labels, chosen.size, inputs));
  inputs.chosen = chosen;
  return {};
}

// The rows that are learnt from, and their labels.
Result<TakenRows> TakeRows(const TrainOptions& options, const Surroundings& around, As as,
                           Inputs& inputs) {
  TakenRows taken;
  if (as == As::kOneOfSeveral) {  // of two classes: nothing of them takes more memory
    if (!inputs.chosen) PENSTOCK_TRY(ChooseForAll({options.label}, options, around, inputs));
    taken.size = inputs.chosen->size;
    taken.share = inputs.chosen->share;
    PENSTOCK_TRY(LeaveOutUnknown(around, options.label, inputs));
    PENSTOCK_ASSIGN(taken.labels, LoadTarget(inputs.sources, options, as));
    return taken;
  }
  const auto fit = [&](TakenRows& taken) -> Result<void> {
    PENSTOCK_ASSIGN(taken.share,
                    FitIntoMemory(around, options, {options.label}, taken.size, inputs));
    PENSTOCK_ASSIGN(taken.labels, LoadTarget(inputs.sources, options, as));
    return {};
  };
  PENSTOCK_ASSIGN(taken.size, SizeOf(inputs));
  PENSTOCK_TRY(fit(taken));
  taken.size.answers = taken.labels.target.width();
  if (ShareThatFits(taken.size, around.memory) < taken.share) PENSTOCK_TRY(fit(taken));  // of many
  return taken;                                                                          // classes
}

Result<transform::TrainingTable> LoadRows(const Inputs& inputs) {
  std::vector<std::string> paths;
  std::vector<std::string> names;
  for (const Source& source : inputs.sources) {
    paths.push_back(source.path);
    names.push_back(source.name);
  }
  PENSTOCK_ASSIGN(const auto keep, KeptRows(inputs));
  const bool some = inputs.sources.front().sampled;
  return transform::TrainingTable::Load(
      paths, inputs.recipe, some ? &keep : nullptr, names,
      inputs.init ? transform::Constants::kOfRecipe : transform::Constants::kOfRows);
}

}  // namespace penstock::train
