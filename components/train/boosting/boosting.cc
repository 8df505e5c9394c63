// The learner `boosting`: gradient-boosted trees by xgboost (Chen, Guestrin 2016, XGBoost: A
// Scalable Tree Boosting System), its library opened at run time.
#include "components/train/boosting/boosting.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "components/train/boosting/boosting_run.h"
#include "components/train/boosting/checkpoint.h"
#include "components/train/boosting/settings.h"
#include "components/train/curve/held_out_loss.h"
#include "components/train/curve/trial_curve.h"
#include "components/train/learner.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

constexpr const char* kFile = "model.ubj";
constexpr std::size_t kPatience = 3;  // rungs, about twice the rounds of the best

Error StoppedError() { return Cancelled("boosting was told to stop"); }

class FittedBoosting : public Fitted {
 public:
  FittedBoosting(Booster booster, std::string bytes, Json description, std::size_t width,
                 std::size_t features)
      : booster_(std::move(booster)),
        bytes_(std::move(bytes)),
        description_(std::move(description)),
        width_(width),
        features_(features) {}

  Result<std::vector<double>> Answer(const sdk::FloatMatrix& x) const override {
    if (x.width != features_) {
      return Internal("boosting learnt " + std::to_string(features_) + " features, is asked with " +
                      std::to_string(x.width));
    }
    if (x.rows == 0) return std::vector<double>();
    const auto answers = booster_.Answer(x);
    if (!answers) return answers.error();
    if (answers->size() != x.rows * width_)
      return Internal("xgboost answered " + std::to_string(answers->size()) + " numbers to " +
                      std::to_string(x.rows) + " rows");
    return std::vector<double>(answers->begin(), answers->end());
  }

  Result<void> Save(const std::string& folder, sdk::ModelManifest& manifest) const override {
    manifest.backend = "xgboost";
    manifest.file = kFile;
    manifest.more_files.clear();
    return WriteFileAtomically(std::filesystem::path(folder) / kFile, bytes_);
  }

  Json Describe() const override { return description_; }

 private:
  const Booster booster_;
  const std::string bytes_;
  const Json description_;
  const std::size_t width_;
  const std::size_t features_;
};

class Boosting : public Learner {
 public:
  Boosting(BoostingOptions options, double segment) : options_(options), segment_(segment) {}

  std::string name() const override { return "boosting"; }
  sdk::View view() const override { return sdk::View::kTree; }

  double Cost(std::size_t rows, std::span<const sdk::Feature> features,
              const Target& target) const override {
    double sum = 0;
    const std::size_t width = features.size();
    for (const BoostingSetting& setting : BoostingSettings(options_, rows, width, target)) {
      const auto ladder = BoostingLadder(options_, setting, rows, width, target);
      sum += ladder.back() * RoundCost(setting, rows, width, target);
    }
    return sum;
  }

  Result<std::vector<Trial>> Try(const Rows& train, const Rows& held_out,
                                 const Context& context) const override;
  Result<std::unique_ptr<Fitted>> Fit(const Rows& train, const Json& setting,
                                      std::optional<double> rounds,
                                      const Context& context) const override;

 private:
  Result<TrialCurve> TrySetting(const model::XgboostLibrary& library,
                                const BoostingSetting& setting, const std::vector<int>& ladder,
                                const Rows& train, BoostingRows& rows, const Rows& held_out,
                                const BoosterMatrix& held_out_matrix, const Context& context,
                                const Checkpoint& checkpoint, Json state) const;

  const BoostingOptions options_;
  const double segment_;
};

// Goes up the ladder; `state` is what the checkpoint has of this setting, or empty.
Result<TrialCurve> Boosting::TrySetting(const model::XgboostLibrary& library,
                                        const BoostingSetting& setting,
                                        const std::vector<int>& ladder, const Rows& train,
                                        BoostingRows& rows, const Rows& held_out,
                                        const BoosterMatrix& held_out_matrix,
                                        const Context& context, const Checkpoint& checkpoint,
                                        Json state) const {
  const std::size_t total = train.y.size() + held_out.y.size();
  TrialCurve curve(ladder, KeepsAllRungs(total, context.target), kPatience);
  std::string model;
  int round = 0;
  Json done = state.value("done", Json::array());
  if (state.contains("model")) {
    model = BytesOf(state["model"]);
    round = state["round"];
    if (auto read = curve.Read(state["curve"]); !read) return read.error();
  }
  auto run =
      BoostingRun::Make(library, setting, train, rows, &held_out_matrix, context, model, round);
  if (!run) return run.error();
  const double cost = RoundCost(setting, train.y.size(), train.x->width, context.target);
  const double scale = LabelScale(train);
  const auto write = [&]() -> Result<void> {
    const auto bytes = run->booster().Save();
    if (!bytes) return bytes.error();
    round = run->round();
    return checkpoint.Write(
        {{"done", done}, {"model", BinaryOf(*bytes)}, {"round", round}, {"curve", curve.Write()}});
  };
  while (!curve.Ended()) {
    if (auto grown = run->GrowTo(curve.NextRung()); !grown) return grown.error();
    if (run->round() < curve.NextRung()) {
      if (checkpoint.kept()) {
        if (auto written = write(); !written) return written.error();
      }
      return StoppedError();
    }
    const auto floats = run->booster().Answer(held_out_matrix);
    if (!floats) return floats.error();
    std::vector<double> answers(floats->begin(), floats->end());
    if (context.report) {
      const double loss = MeanLoss(context.target, answers, held_out, scale);
      context.report({name(), ToJson(setting), run->round(), 0, loss});
    }
    const auto losses = LossesOf(context.target, answers, held_out, scale);
    curve.Add(losses, std::move(answers));
    if (checkpoint.kept() && (run->round() - round) * cost >= segment_) {
      if (auto written = write(); !written) return written.error();
    }
  }
  return curve;
}

Result<std::vector<Trial>> Boosting::Try(const Rows& train, const Rows& held_out,
                                         const Context& context) const {
  const auto library = model::OpenXgboost();
  if (!library) return library.error();
  const std::size_t total = train.y.size() + held_out.y.size();
  const auto settings = BoostingSettings(options_, total, train.x->width, context.target);
  Json all = Json::array();
  std::vector<std::vector<int>> ladders;
  for (const BoostingSetting& setting : settings) {
    ladders.push_back(BoostingLadder(options_, setting, total, train.x->width, context.target));
    all.push_back(
        {ToJson(setting),
         TrialCurve(ladders.back(), KeepsAllRungs(total, context.target), kPatience).Describe()});
  }
  const Checkpoint checkpoint(
      context.checkpoint,
      context.checkpoint.empty() ? "" : RunDigest({"try", all}, train, &held_out, context));
  auto state = checkpoint.Read();
  if (!state) return state.error();
  Json kept = *state ? std::move(**state) : Json{{"done", Json::array()}};

  auto matrix = BoosterMatrix::Dense(**library, *held_out.x, context.features, context.threads);
  if (!matrix) return matrix.error();

  std::optional<BoostingRows> rows;
  std::int64_t bins = 0;
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    TrialCurve curve(ladders[i], KeepsAllRungs(total, context.target), kPatience);
    if (i < kept["done"].size()) {
      if (auto read = curve.Read(kept["done"][i]); !read) return read.error();
    } else {
      if (!rows || settings[i].bins != bins) {
        rows.reset();  // two at once may be more than memory has
        bins = settings[i].bins;
        auto made = BoostingRows::Make(**library, train, bins, context);
        if (!made) return made.error();
        rows.emplace(std::move(*made));
      }
      auto tried = TrySetting(**library, settings[i], ladders[i], train, *rows, held_out, *matrix,
                              context, checkpoint, kept);
      if (!tried) return tried.error();
      curve = std::move(*tried);
      kept.erase("model");
      if (checkpoint.kept()) {
        kept["done"].push_back(curve.Write());
        if (auto written = checkpoint.Write(kept); !written) return written.error();
      }
    }
    curve.Append(ToJson(settings[i]), &trials);
  }
  return trials;
}

Result<std::unique_ptr<Fitted>> Boosting::Fit(const Rows& train, const Json& setting,
                                              std::optional<double> rounds,
                                              const Context& context) const {
  const auto library = model::OpenXgboost();
  if (!library) return library.error();
  const auto parsed = ParseBoostingSetting(setting);
  if (!parsed) return parsed.error();
  if (!options_.rounds && !rounds) return Internal("boosting is fitted for how many rounds?");
  const int last = options_.rounds ? int(*options_.rounds) : std::max(1, int(std::lround(*rounds)));
  const Checkpoint checkpoint(
      context.checkpoint, context.checkpoint.empty()
                              ? ""
                              : RunDigest({"fit", ToJson(*parsed), last}, train, nullptr, context));
  auto state = checkpoint.Read();
  if (!state) return state.error();
  const std::string model = *state ? BytesOf((**state)["model"]) : "";
  const int begin = *state ? (**state)["round"].get<int>() : 0;

  auto rows = BoostingRows::Make(**library, train, parsed->bins, context);
  if (!rows) return rows.error();
  auto run = BoostingRun::Make(**library, *parsed, train, *rows, nullptr, context, model, begin);
  if (!run) return run.error();
  const double cost = RoundCost(*parsed, train.y.size(), train.x->width, context.target);
  const int step = int(std::clamp(segment_ / cost, 1.0, 1e6));
  const double scale = LabelScale(train);
  while (run->round() < last) {
    const int next = std::min(last, run->round() + step);
    if (auto grown = run->GrowTo(next); !grown) return grown.error();
    if (checkpoint.kept()) {
      const auto bytes = run->booster().Save();
      if (!bytes) return bytes.error();
      if (auto written = checkpoint.Write({{"model", BinaryOf(*bytes)}, {"round", run->round()}});
          !written)
        return written.error();
    }
    if (run->round() < next) return StoppedError();
    if (context.report) {
      const auto floats = run->booster().Answer(rows->matrix);
      if (!floats) return floats.error();
      const std::vector<double> answers(floats->begin(), floats->end());
      context.report({name(), ToJson(*parsed), run->round(),
                      MeanLoss(context.target, answers, train, scale), std::nullopt});
    }
  }
  if (auto set = run->booster().SetAttribute("best_iteration", std::to_string(last - 1)); !set)
    return set.error();
  auto bytes = run->booster().Save();
  if (!bytes) return bytes.error();
  const auto gain = run->booster().TotalGain(train.x->width);
  if (!gain) return gain.error();
  // what is served: the file's trees, without the training's state
  auto fitted =
      Booster::Make(**library, {{"nthread", std::to_string(context.threads)}}, {}, *bytes);
  if (!fitted) return fitted.error();
  Json description = {{"setting", ToJson(*parsed)},
                      {"rounds", last},
                      {"trees", std::int64_t(last) * std::int64_t(context.target.width())},
                      {"threads", context.threads},
                      {"gain", GainByFeature(*gain, context.features)}};
  return std::unique_ptr<Fitted>(std::make_unique<FittedBoosting>(
      std::move(*fitted), std::move(*bytes), std::move(description), context.target.width(),
      train.x->width));
}

}  // namespace

std::unique_ptr<Learner> MakeBoosting(BoostingOptions options) {
  constexpr double kSegment = 5000;  // about ten seconds
  return MakeBoosting(options, kSegment);
}

std::unique_ptr<Learner> MakeBoosting(BoostingOptions options, double segment) {
  return std::make_unique<Boosting>(options, segment);
}

}  // namespace penstock::train
