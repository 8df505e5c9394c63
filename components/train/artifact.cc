#include "components/train/artifact.h"

#include <algorithm>
#include <filesystem>

#include "components/model_format/layers.h"
#include "components/sdk/metrics.h"
#include "components/sdk/model_examples.h"
#include "components/sdk/scorer.h"
#include "components/sdk/statistics.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

using sdk::ModelManifest;

constexpr double kConfidence = 0.95;  // of the intervals in metrics.json

std::vector<std::string> InputNames(const sdk::Transform& transform) {
  std::vector<std::string> names;
  for (const auto& column : transform.inputs()) names.push_back(column.name);
  return names;
}

ModelManifest Describe(const sdk::Transform& transform, const sdk::Label& label,
                       const TrainOptions& options) {
  ModelManifest m;
  m.name = options.name;
  m.label = label.column;
  m.task = label.task;
  m.inputs = transform.inputs();
  m.view = transform.view();
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

Result<sdk::Metrics> WriteArtifact(const std::string& folder, const sdk::Network& network,
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
  const sdk::Metrics metrics = sdk::Measure(manifest, raw, valid.y, {}, kConfidence);
  manifest.metrics = sdk::ValuesOf(metrics);
  manifest.metrics["rows"] = valid.y.size();
  PENSTOCK_TRY(SaveModelManifest(folder, manifest));
  const auto names = InputNames(transform);
  PENSTOCK_ASSIGN(const auto examples, sdk::MakeExamples(manifest, sources.valid_dataset, raw,
                                                         std::size_t(options.examples)));
  PENSTOCK_TRY(SaveExamples(folder, examples));
  PENSTOCK_ASSIGN(auto statistics, sdk::ComputeStatistics(sources.train_dataset, names));
  statistics["outputs"] = sdk::OutputStatistics(manifest, raw);
  PENSTOCK_TRY(WriteFileAtomically(folder + "/" + sdk::kStatisticsFile, statistics.dump(1) + "\n"));
  return metrics;
}

}  // namespace penstock::train
