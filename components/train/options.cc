#include "components/train/options.h"

#include "components/sdk/step.h"
#include "operator/base/try.h"

namespace penstock::train {

Result<TrainOptions> ReadOptions(const Json& parameters) {
  const TrainOptions d;
  TrainOptions o;
  sdk::Parameters p(parameters);
  o.label = p.String("label", "");
  o.name = p.String("name", o.label);
  o.task = p.OneOf("task", d.task, {"auto", "classification", "regression"});
  o.model = p.OneOf("model", d.model, {"mlp", "linear"});
  o.hidden = p.Integers("hidden", d.hidden, 1, 65'536);
  o.dropout = p.Number("dropout", d.dropout, 0, 0.95);
  o.learning_rate = p.Number("learningRate", d.learning_rate, 1e-8, 10);
  o.weight_decay = p.Number("weightDecay", d.weight_decay, 0, 10);
  o.epochs = p.Integer("epochs", d.epochs, 1, 10'000);
  o.batch_size = p.Integer("batchSize", d.batch_size, 1, 10'000'000);
  o.patience = p.Integer("patience", d.patience, 0, 10'000);
  o.threshold = p.Number("threshold", d.threshold, 0, 1);
  o.seed = p.Integer("seed", d.seed, 0, INT64_MAX);
  o.device = p.OneOf("device", d.device, {"auto", "cpu", "cuda"});
  o.examples = p.Integer("examples", d.examples, 10, 1000);
  o.format = p.OneOf("format", d.format, {"torchscript", "safetensors"});
  if (o.hidden.size() > 32) p.Fail("hidden: at most 32 layers");
  PENSTOCK_TRY(p.Finish());
  if (o.model == "linear") o.hidden.clear();
  return o;
}

}  // namespace penstock::train
