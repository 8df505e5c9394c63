#include "components/train/artifact.h"

#include <algorithm>
#include <filesystem>

#include "components/model_format/layers.h"
#include "components/sdk/cells.h"
#include "components/sdk/metrics.h"
#include "components/sdk/scorer.h"
#include "components/sdk/statistics.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

using sdk::ModelManifest;

std::vector<std::string> InputNames(const sdk::Transform& transform) {
  std::vector<std::string> names;
  for (const auto& column : transform.inputs()) names.push_back(column.name);
  return names;
}

// `count` rows spread evenly over the dataset, with what the written model answers.
Result<std::vector<sdk::ModelExample>> MakeExamples(const ModelManifest& manifest,
                                                    const std::string& dataset,
                                                    const std::vector<std::string>& names,
                                                    const std::vector<float>& raw,
                                                    std::size_t count) {
  const std::size_t width = manifest.RawWidth();
  const std::size_t rows = raw.size() / width;
  count = std::min(count, rows);
  std::vector<sdk::ModelExample> examples;
  std::size_t first = 0;  // row of the batch's beginning
  PENSTOCK_TRY(sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& b) -> Result<void> {
    const std::size_t end = first + std::size_t(b.num_rows());
    for (; examples.size() < count;) {
      const std::size_t row = examples.size() * rows / count;
      if (row >= end) break;
      sdk::ModelExample example;
      for (const auto& name : names) {
        PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(b, name));
        example.inputs[name] = sdk::CellToJson(sdk::CellAt(column, std::int64_t(row - first)));
      }
      for (const auto& output : manifest.outputs) {
        example.outputs[output.name] =
            OutputValue(manifest, output, {raw.data() + row * width, width});
      }
      examples.push_back(std::move(example));
    }
    first = end;
    return {};
  }));
  return examples;
}

ModelManifest Describe(const sdk::Transform& transform, const sdk::Label& label,
                       const TrainOptions& options) {
  ModelManifest m;
  m.name = options.name;
  m.label = label.column;
  m.task = label.task;
  m.inputs = transform.inputs();
  m.features = std::int64_t(transform.width());
  m.classes = label.classes;
  m.outputs = sdk::StandardOutputs(label.task, label.classes);
  m.threshold = options.threshold;
  m.seed = options.seed;
  m.backend = options.format;
  m.file = options.format == "safetensors" ? sdk::kWeightsFile : sdk::kTorchScriptFile;
  return m;
}

}  // namespace

Result<Json> WriteArtifact(const std::string& folder, const sdk::Network& network,
                           const sdk::Transform& transform, const sdk::Label& label,
                           const sdk::LabelledMatrix& valid, const ArtifactSources& sources,
                           const TrainOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return FromErrno(folder, error.value());
  PENSTOCK_ASSIGN(const auto spec_text, ReadFile(sources.transform_file, 1ULL << 30));
  PENSTOCK_TRY(WriteFileAtomically(folder + "/" + sdk::kTransformFile, spec_text));
  ModelManifest manifest = Describe(transform, label, options);
  if (manifest.backend == "safetensors") {
    PENSTOCK_TRY(network.ExportLayers(folder));
  } else {
    PENSTOCK_TRY(network.Export(folder + "/" + manifest.file));
  }
  PENSTOCK_TRY(SaveModelManifest(folder, manifest));

  PENSTOCK_ASSIGN(const auto scorer, sdk::Scorer::Load(folder));
  PENSTOCK_ASSIGN(const auto raw, scorer.Score(valid.x));
  Json metrics = sdk::ComputeMetrics(manifest, raw, valid.y);
  for (const auto& [name, value] : metrics.items()) {
    if (value.is_number()) manifest.metrics[name] = value;
  }
  PENSTOCK_TRY(SaveModelManifest(folder, manifest));
  const auto names = InputNames(transform);
  PENSTOCK_ASSIGN(const auto examples, MakeExamples(manifest, sources.valid_dataset, names, raw,
                                                    std::size_t(options.examples)));
  PENSTOCK_TRY(SaveExamples(folder, examples));
  PENSTOCK_ASSIGN(auto statistics, sdk::ComputeStatistics(sources.train_dataset, names));
  statistics["outputs"] = sdk::OutputStatistics(manifest, raw);
  PENSTOCK_TRY(WriteFileAtomically(folder + "/" + sdk::kStatisticsFile, statistics.dump(1) + "\n"));
  return metrics;
}

}  // namespace penstock::train
