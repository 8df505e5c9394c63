#include "components/train/run.h"

#include <cstdio>

#include "components/sdk/dataset.h"
#include "components/train/artifact.h"
#include "components/train/trainer.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

void PrintEpoch(const EpochReport& r) {
  std::printf("epoch %lld loss %.6f valid %s %.6f (%.2f s)\n", static_cast<long long>(r.epoch),
              r.loss, r.metric.c_str(), r.value, r.seconds);
  std::fflush(stdout);
}

// Says of which dataset a problem is.
template <typename T>
Result<T> Of(const char* input, Result<T> result) {
  if (result) return result;
  return Wrap(std::string("dataset ") + input, std::move(result).error());
}

}  // namespace

Result<void> RunTrain(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step.parameters()));
  ArtifactSources sources;
  PENSTOCK_ASSIGN(sources.train_dataset, step.InputPath("train"));
  PENSTOCK_ASSIGN(options.label, sdk::LabelColumn(options.label, sources.train_dataset));
  if (options.label.empty()) {
    return Invalid("parameter label: is required, since no column of train has the role label");
  }
  if (options.name.empty()) options.name = options.label;
  PENSTOCK_ASSIGN(sources.valid_dataset, step.InputPath("valid"));
  PENSTOCK_ASSIGN(sources.transform_file, step.InputPath("transform"));
  PENSTOCK_ASSIGN(const auto model, step.OutputPath("model"));
  PENSTOCK_ASSIGN(const auto metrics_file, step.OutputPath("metrics"));

  PENSTOCK_ASSIGN(auto spec, sdk::LoadTransformSpec(sources.transform_file));
  for (const auto& column : spec.inputs) {
    if (column.name != options.label) continue;
    return Invalid("label '" + options.label +
                   "' is a feature of the transform; fit it with label");
  }
  const std::optional<sdk::View> view =
      spec.version() == 1 ? std::nullopt : std::optional(sdk::View::kEmbedding);
  PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(std::move(spec), view));
  PENSTOCK_ASSIGN(const auto label,
                  Of("train", sdk::LearnLabel(sources.train_dataset, options.label, options.task)));
  PENSTOCK_ASSIGN(const auto train,
                  Of("train", LoadMatrix(sources.train_dataset, transform, label)));
  PENSTOCK_ASSIGN(const auto valid,
                  Of("valid", LoadMatrix(sources.valid_dataset, transform, label)));
  std::printf("%s on %zu rows of %zu features, %zu for validation\n", Name(label.task),
              train.x.rows, train.x.width, valid.x.rows);

  PENSTOCK_ASSIGN(const auto trained,
                  Train(train, valid, transform.features(), label, options, PrintEpoch));
  std::printf("trained %lld epochs in %.3f s, the best is %lld\n",
              static_cast<long long>(trained.epochs), trained.seconds,
              static_cast<long long>(trained.best_epoch));
  PENSTOCK_ASSIGN(const auto metrics, WriteArtifact(model, *trained.network, transform, label,
                                                    valid, sources, options));
  const Json document = {{"dataset", "valid"},         {"rows", valid.x.rows},
                         {"overall", ToJson(metrics)}, {"trainLoss", trained.loss},
                         {"epochs", trained.epochs},   {"bestEpoch", trained.best_epoch}};
  PENSTOCK_TRY(WriteFileAtomically(metrics_file, document.dump(1) + "\n"));
  PENSTOCK_TRY(step.WriteResult("loss", trained.loss));
  return step.WriteResult("epochs", trained.epochs);
}

}  // namespace penstock::train
