#include "components/train/artifact.h"

#include <algorithm>
#include <filesystem>

#include "components/sdk/model_examples.h"
#include "components/sdk/statistics.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

std::vector<float> Floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

std::vector<std::string> InputNames(const sdk::TransformSpec& spec) {
  std::vector<std::string> names;
  for (const auto& column : spec.inputs) names.push_back(column.name);
  return names;
}

Result<std::vector<sdk::ModelExample>> Examples(const Table& table,
                                                const std::vector<Source>& sources,
                                                const Outcome& outcome) {
  const Labels& labels = table.labels;
  const bool of_valid = labels.rows() > labels.train_rows;
  const std::size_t first = of_valid ? labels.train_rows : 0;
  const std::size_t rows = of_valid ? labels.rows() - first : labels.train_rows;
  const std::size_t count = std::min(rows, std::size_t(table.options.examples));
  const Source& source = sources[of_valid ? 1 : 0];
  std::vector<std::uint32_t> of_table;
  std::vector<std::uint32_t> of_dataset;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * rows / count;
    of_table.push_back(std::uint32_t(first + row));
    of_dataset.push_back(source.sampled ? source.keep[row] : std::uint32_t(row));
  }
  // As a server computes it: the link and the calibration are the manifest's, on floats.
  PENSTOCK_ASSIGN(const auto transform,
                  sdk::Transform::Make(outcome.fitted.spec, outcome.choice.best.learner->view()));
  PENSTOCK_ASSIGN(const auto x, table.rows.Matrix(transform, of_table));
  PENSTOCK_ASSIGN(const auto answers, outcome.fitted.model->Answer(x));
  std::vector<float> raw = Floats(answers);
  sdk::Finish(outcome.manifest, raw);
  return sdk::MakeExamples(outcome.manifest, source.path, raw, of_dataset);
}

}  // namespace

Result<sdk::ModelManifest> DescribeModel(const Labels& labels, const TrainOptions& options,
                                         const Outcome& outcome) {
  sdk::ModelManifest m;
  m.name = options.name;
  m.label = labels.label.column;
  m.task = labels.label.task;
  m.view = outcome.choice.best.learner->view();
  m.inputs = outcome.fitted.spec.inputs;
  m.features = std::int64_t(outcome.fitted.features);
  m.classes = labels.label.classes;
  m.outputs = sdk::StandardOutputs(labels.label.task, labels.label.classes);
  m.link = outcome.choice.best.log_target ? sdk::Link::kLog : sdk::Link::kIdentity;
  m.calibration = outcome.calibration;
  m.threshold = outcome.threshold;
  m.seed = options.seed;
  return m;
}

Result<void> WriteModel(const std::string& folder, const Table& table,
                        const std::vector<Source>& sources, Outcome& outcome) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return FromErrno(folder, error.value());
  PENSTOCK_TRY(WriteFileAtomically(folder + "/" + sdk::kTransformFile,
                                   sdk::ToJson(outcome.fitted.spec).dump(1) + "\n"));
  PENSTOCK_TRY(outcome.fitted.model->Save(folder, outcome.manifest));
  outcome.manifest.metrics = sdk::ValuesOf(outcome.metrics);
  outcome.manifest.metrics["rows"] = outcome.held_out.y.size();
  PENSTOCK_TRY(SaveModelManifest(folder, outcome.manifest));
  PENSTOCK_ASSIGN(const auto examples, Examples(table, sources, outcome));
  PENSTOCK_TRY(SaveExamples(folder, examples));
  const Source& train = sources.front();
  PENSTOCK_ASSIGN(auto statistics,
                  sdk::ComputeStatistics(train.path, InputNames(outcome.fitted.spec),
                                         train.sampled ? &train.keep : nullptr));
  statistics["outputs"] = sdk::OutputStatistics(outcome.manifest, Floats(outcome.held_out.answers));
  return WriteFileAtomically(folder + "/" + sdk::kStatisticsFile, statistics.dump(1) + "\n");
}

}  // namespace penstock::train
