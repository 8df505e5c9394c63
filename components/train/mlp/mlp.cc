#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "components/model/catch_torch.h"
#include "components/train/curve/held_out_loss.h"
#include "components/train/curve/trial_curve.h"
#include "components/train/learner.h"
#include "components/train/mlp/overfit.h"
#include "components/train/mlp/training.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kSpeed = 10;         // a network's multiply-adds in the time of one of the unit's
constexpr double kStepCost = 0.4;     // in the unit of Cost, however few rows are in it
constexpr std::size_t kPatience = 1;  // rungs: a longer cycle than one that was worse is not run

constexpr std::size_t kAnswerRows = 16'384;

Result<std::vector<double>> AnswerOf(const sdk::Network& network, const sdk::FloatMatrix& x) {
  return model::CatchTorch("run the network", [&]() -> Result<std::vector<double>> {
    torch::InferenceMode inference;
    std::vector<double> answers;
    answers.reserve(x.rows * std::size_t(network.spec().outputs));
    for (std::size_t begin = 0; begin < x.rows; begin += kAnswerRows) {
      const std::size_t rows = std::min(kAnswerRows, x.rows - begin);
      const auto part = torch::from_blob(x.data.get() + begin * x.width,
                                         {std::int64_t(rows), std::int64_t(x.width)});
      const auto answer = network.Answers(part).contiguous();
      answers.insert(answers.end(), answer.const_data_ptr<float>(),
                     answer.const_data_ptr<float>() + answer.numel());
    }
    if (std::all_of(answers.begin(), answers.end(), [](double a) { return std::isfinite(a); })) {
      return answers;
    }
    return Invalid(
        "the network answers with values that are not finite; scale or clip the columns");
  });
}

class FittedMlp : public Fitted {
 public:
  FittedMlp(Training training, Plan plan, std::string format)
      : training_(std::move(training)), plan_(std::move(plan)), format_(std::move(format)) {}

  Result<std::vector<double>> Answer(const sdk::FloatMatrix& x) const override {
    return AnswerOf(*training_.network, x);
  }

  Result<void> Save(const std::string& folder, sdk::ModelManifest& manifest) const override {
    manifest.backend = format_;
    manifest.more_files.clear();
    if (format_ == "safetensors") {
      manifest.file = sdk::kWeightsFile;
      return training_.network->ExportLayers(folder);
    }
    manifest.file = sdk::kTorchScriptFile;
    return training_.network->Export(folder + "/" + sdk::kTorchScriptFile);
  }

  Json Describe() const override {
    Json json = ToSetting(plan_);
    json.erase("id");
    std::int64_t parameters = 0;
    for (const auto& p : training_.network->parameters()) parameters += p.numel();
    json["learningRate"] = training_.learning_rate;
    json["parameters"] = parameters;
    json["trainLoss"] = training_.train_loss;
    json["multiplyAdds"] = training_.multiply_adds;
    if (training_.init) json["init"] = training_.init->ToJson();
    return json;
  }

 private:
  Training training_;
  Plan plan_;
  std::string format_;
};

class Mlp : public Learner {
 public:
  explicit Mlp(MlpOptions options) : options_(std::move(options)) {
    if (!options_.init.given()) return;
    init_ = Init::Load(options_.init);
    if (!init_) return;  // Try and Fit say so
    const auto& shape = (*init_)->shape();
    const bool its_own = shape && (!options_.hidden || *options_.hidden == shape->hidden);
    options_.networks = its_own ? shape->networks : 1;
    if (shape && !options_.hidden) options_.hidden = shape->hidden;
  }

  std::string name() const override { return "mlp"; }
  sdk::View view() const override { return sdk::View::kEmbedding; }

  // By what enters the first layer, as Try plans: an id is its vector's width, a text's tokens are
  // one vector together.
  double Cost(std::size_t rows, std::span<const sdk::Feature> features,
              const Target& target) const override {
    double sum = 0;
    const std::size_t width = InputWidth(features);
    for (Plan plan : MakePlans(options_, rows, width, target)) {
      for (const int epochs : EpochLadder(options_, plan)) {
        plan.epochs = epochs;
        sum += TrainingCost(plan, rows, width, target) / 1e6 / kSpeed;
        sum += kStepCost * TrainingSteps(plan, rows);
      }
    }
    return sum;
  }

  Result<std::vector<Trial>> Try(const Rows& train, const Rows& held_out,
                                 const Context& context) const override {
    if (!init_) return init_.error();
    std::vector<Trial> trials;
    const std::size_t total = train.x->rows + held_out.x->rows;
    const std::size_t width = InputWidth(context.features);
    const bool all = !context.keep && KeepsAllRungs(total, context.target);
    const double scale = LabelScale(train);
    for (const Plan& plan : MakePlans(options_, total, width, context.target)) {
      TrialCurve curve(EpochLadder(options_, plan), all, kPatience);
      TrainingRequest request{plan, options_.learning_rate, train, *init_};
      std::shared_ptr<const Fitted> best;
      while (!curve.Ended()) {
        request.plan.epochs = curve.NextRung();
        PENSTOCK_ASSIGN(auto training, TrainNetwork(request, context));
        PENSTOCK_ASSIGN(auto answers, AnswerOf(*training.network, *held_out.x));
        const auto losses = LossesOf(context.target, answers, held_out, scale);
        curve.Add(losses, std::move(answers));
        request.learning_rate = training.learning_rate;  // what the finder would find again
        if (!context.keep || !curve.IsAtItsBest()) continue;
        best = std::make_shared<FittedMlp>(std::move(training), request.plan, options_.format);
      }
      const std::size_t first = trials.size();
      curve.Append(ToSetting(plan), &trials);
      for (std::size_t i = first; i < trials.size(); ++i) {
        trials[i].setting["epochs"] = std::llround(*trials[i].rounds);
      }
      trials.back().fitted = std::move(best);
    }
    return trials;
  }

  Result<std::unique_ptr<Fitted>> Fit(const Rows& train, const Json& setting,
                                      std::optional<double> rounds,
                                      const Context& context) const override {
    if (!init_) return init_.error();
    PENSTOCK_ASSIGN(Plan plan, ParseSetting(setting));
    if (rounds) plan.epochs = std::max<std::int64_t>(1, std::llround(*rounds));
    PENSTOCK_ASSIGN(auto training,
                    TrainNetwork({plan, options_.learning_rate, train, *init_}, context));
    return std::unique_ptr<Fitted>(
        std::make_unique<FittedMlp>(std::move(training), std::move(plan), options_.format));
  }

  Result<std::optional<OverfitReport>> LearnOneBatch(const Rows& train,
                                                     const Context& context) const override {
    PENSTOCK_ASSIGN(auto report, OverfitOneBatch(train, options_, context));
    return std::optional(std::move(report));
  }

 private:
  MlpOptions options_;
  Result<std::shared_ptr<const Init>> init_ = std::shared_ptr<const Init>();
};

}  // namespace

std::unique_ptr<Learner> MakeMlp(MlpOptions options) {
  return std::make_unique<Mlp>(std::move(options));
}

}  // namespace penstock::train
