#include "components/train/options.h"

#include <array>

#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kBudget = 100;  // a second of one core each, or less

struct OwnedParameter {
  const char* name;
  std::vector<std::string> models;
};

const std::vector<OwnedParameter>& OwnedParameters() {
  static const std::vector<OwnedParameter> kOwned = {
      {"penalty", {"linear"}},     {"rounds", {"boosting"}},
      {"depth", {"boosting"}},     {"learningRate", {"boosting", "mlp"}},
      {"hidden", {"mlp"}},         {"dropout", {"mlp"}},
      {"weightDecay", {"mlp"}},    {"epochs", {"mlp"}},
      {"batchSize", {"mlp"}},      {"networks", {"mlp"}},
      {"labelSmoothing", {"mlp"}}, {"format", {"mlp"}},
      {"device", {"mlp"}},         {"overfitOneBatch", {"mlp"}},
      {"freeze", {"mlp"}},         {"initNames", {"mlp"}},
      {"initUnmatched", {"mlp"}},
  };
  return kOwned;
}

// A parameter of one learner means nothing to another. To auto it says how that learner is tried.
// What is off, as it is where nobody says anything (component.yaml's default), asks for nothing.
void RefuseOthers(const Json& parameters, const std::string& model, sdk::Parameters& p) {
  if (model == "auto") return;
  for (const OwnedParameter& owned : OwnedParameters()) {
    if (!parameters.contains(owned.name) || parameters[owned.name].is_null() ||
        parameters[owned.name] == false)
      continue;
    bool fits = false;
    std::string models;
    for (const auto& m : owned.models) {
      fits = fits || m == model;
      models += (models.empty() ? "" : " or ") + m;
    }
    if (!fits) {
      p.Fail(std::string(owned.name) + ": is of model " + models + ", and model is " + model +
             "; leave it out, or set model: " + owned.models.back());
    }
  }
}

std::optional<std::int64_t> OptionalInteger(sdk::Parameters& p, const Json& parameters,
                                            const char* name, std::int64_t minimum,
                                            std::int64_t maximum) {
  const std::int64_t value = p.Integer(name, minimum, minimum, maximum);
  if (!parameters.contains(name) || parameters[name].is_null()) return std::nullopt;
  return value;
}

std::optional<double> OptionalNumber(sdk::Parameters& p, const Json& parameters, const char* name,
                                     double minimum, double maximum) {
  const double value = p.Number(name, minimum, minimum, maximum);
  if (!parameters.contains(name) || parameters[name].is_null()) return std::nullopt;
  return value;
}

void ReadWeightsToTake(sdk::Parameters& p, InitOptions& init) {
  init.freeze = p.Strings("freeze");
  const Json names = p.Object("initNames");
  for (const auto& [own, given] : names.items()) {
    if (!given.is_string()) {
      p.Fail("initNames: '" + own + "' must be the name of a parameter of init, a text");
      return;
    }
    init.names[own] = given.get<std::string>();
  }
  init.fresh = p.OneOf("initUnmatched", "refuse", {"refuse", "fresh"}) == "fresh";
}

void ReadLearners(sdk::Parameters& p, const Json& parameters, TrainOptions& o) {
  o.linear.penalty = OptionalNumber(p, parameters, "penalty", 0, 1e12);
  o.boosting.rounds = OptionalInteger(p, parameters, "rounds", 1, 100'000);
  o.boosting.depth = OptionalInteger(p, parameters, "depth", 1, 32);
  const auto rate = OptionalNumber(p, parameters, "learningRate", 1e-8, 10);
  o.boosting.learning_rate = rate;
  o.mlp.learning_rate = rate;
  const auto hidden = p.Integers("hidden", {}, 1, 65'536);
  if (hidden.size() > 32) p.Fail("hidden: at most 32 layers");
  if (parameters.contains("hidden") && !parameters["hidden"].is_null()) o.mlp.hidden = hidden;
  o.mlp.dropout = OptionalNumber(p, parameters, "dropout", 0, 0.95);
  o.mlp.weight_decay = OptionalNumber(p, parameters, "weightDecay", 0, 10);
  o.mlp.epochs = OptionalInteger(p, parameters, "epochs", 1, 10'000);
  o.mlp.batch_size = OptionalInteger(p, parameters, "batchSize", 1, 10'000'000);
  o.mlp.networks = OptionalInteger(p, parameters, "networks", 1, 100);
  o.mlp.label_smoothing = p.Number("labelSmoothing", 0, 0, 0.5);
  o.mlp.format = p.OneOf("format", o.mlp.format, {"torchscript", "safetensors"});
  ReadWeightsToTake(p, o.mlp.init);
  o.device = p.OneOf("device", o.device, {"auto", "cpu", "cuda"});
}

void ReadThreshold(sdk::Parameters& p, const Json& parameters, ThresholdOptions& t) {
  static const std::vector<std::string> kNames = {"fixed",  "f1",  "accuracy", "balancedAccuracy",
                                                  "youden", "cost"};
  const std::string by = p.OneOf("thresholdBy", "fixed", kNames);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == by) t.by = ThresholdBy(i);
  }
  t.fixed = p.Number("threshold", t.fixed, 0, 1);
  if (t.by != ThresholdBy::kFixed && parameters.contains("threshold")) {
    p.Fail("threshold: is chosen by " + by + "; leave one of threshold and thresholdBy out");
  }
  const Json costs = p.Object("costs");
  if (costs.empty()) {
    if (t.by == ThresholdBy::kCost) {
      p.Fail("costs: thresholdBy cost needs {falsePositive: a, falseNegative: b}");
    }
    return;
  }
  if (t.by != ThresholdBy::kCost) p.Fail("costs: is of thresholdBy cost");
  sdk::Parameters c(costs);
  t.false_positive = c.Number("falsePositive", 1, 0, 1e12);
  t.false_negative = c.Number("falseNegative", 1, 0, 1e12);
  if (auto ok = c.Finish(); !ok) p.Fail("costs: " + ok.error().message);
  if (t.false_positive + t.false_negative <= 0) p.Fail("costs: one of them must be above 0");
}

// none, balanced or {class: weight}.
Json ReadClassWeight(sdk::Parameters& p) {
  const std::string by = p.OneOf("classWeight", "none", {"none", "balanced"});
  Json given = p.Object("classWeights");
  if (given.empty()) return by;
  if (by != "none") p.Fail("classWeights: leave one of classWeight and classWeights out");
  for (const auto& [name, weight] : given.items()) {
    if (!weight.is_number() || weight.get<double>() < 0) {
      p.Fail("classWeights: the weight of '" + name + "' must be a number of 0 or more");
    }
  }
  return given;
}

Json ReadPositive(sdk::Parameters& p) {
  Json given = p.Any("positive");
  if (given.is_structured()) p.Fail("positive: must be a class: a text, an integer or a boolean");
  return given;
}

}  // namespace

Result<TrainOptions> ReadOptions(const Json& parameters) {
  TrainOptions o;
  sdk::Parameters p(parameters);
  o.model = p.OneOf("model", o.model, {"auto", "linear", "boosting", "mlp"});
  RefuseOthers(parameters, o.model, p);
  o.label = p.String("label", "");
  o.labels = p.Strings("labels");
  o.name = p.String("name", o.label);
  o.weight = p.String("weight", "");
  o.task = p.OneOf("task", o.task, {"auto", "classification", "regression"});
  o.loss = p.OneOf("loss", o.loss, {"auto", "squared", "absolute", "huber", "poisson", "quantile"});
  o.quantile = p.Number("quantile", o.quantile, 0.001, 0.999);
  if (parameters.contains("quantile") && o.loss != "quantile") {
    p.Fail("quantile: is of loss quantile");
  }
  o.log_target = p.OneOf("logTarget", o.log_target, {"auto", "always", "never"});
  o.positive = ReadPositive(p);
  o.class_weight = ReadClassWeight(p);
  o.metric = p.OneOf(
      "metric", o.metric,
      {"auto", "logLoss", "brier", "auc", "accuracy", "rmse", "mae", "poissonDeviance", "pinball"});
  o.folds = p.Integer("folds", 0, 0, 50);
  if (o.folds == 1) p.Fail("folds: must be 2 or more, or 0 for as many as the rows ask for");
  o.refit = p.Boolean("refit", o.refit);
  o.learning_curve = p.Boolean("learningCurve", o.learning_curve);
  o.overfit_one_batch = p.Boolean("overfitOneBatch", o.overfit_one_batch);
  o.budget = p.Number("budget", kBudget, 0, 1e12);
  o.max_time = OptionalNumber(p, parameters, "maxTime", 0.001, 1e9);
  o.checkpoint = p.String("checkpoint", "");
  o.threads = p.Integer("threads", 1, 1, 256);
  o.seed = p.Integer("seed", o.seed, 0, INT64_MAX);
  ReadThreshold(p, parameters, o.threshold);
  const std::string calibrate = p.OneOf("calibrate", "none", {"none", "platt", "isotonic"});
  o.calibrate = calibrate == "platt"      ? sdk::CalibrationMethod::kPlatt
                : calibrate == "isotonic" ? sdk::CalibrationMethod::kIsotonic
                                          : sdk::CalibrationMethod::kNone;
  o.examples = p.Integer("examples", o.examples, 10, 1000);
  ReadLearners(p, parameters, o);
  PENSTOCK_TRY(p.Finish());
  return o;
}

Result<std::optional<InitSource>> ReadInit(const sdk::Step& step, TrainOptions& options) {
  InitOptions& init = options.mlp.init;
  if (!step.HasInput("init")) {
    if (init.freeze.empty() && init.names.empty() && !init.fresh) {
      return std::optional<InitSource>();
    }
    return Invalid("parameters freeze, initNames and initUnmatched: are of the input init");
  }
  if (options.model != "mlp") {
    return Invalid("input init: is of model mlp, and model is " + options.model +
                   "; set model: mlp");
  }
  if (options.mlp.networks) return Invalid("parameter networks: is what init has; leave it out");
  PENSTOCK_ASSIGN(const auto path, step.InputPath("init"));
  PENSTOCK_ASSIGN(auto source, FindInit(path));
  init.file = source.file;
  init.format = source.format;
  init.digest = source.digest;
  return std::optional(std::move(source));
}

bool MayNeedNetworks(const Json& parameters) {
  const Json model = parameters.is_object() ? parameters.value("model", Json("auto")) : Json();
  return model != "linear" && model != "boosting";
}

}  // namespace penstock::train
