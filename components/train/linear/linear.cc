// The learner `linear`: a path of penalties by the frame's folds, each fitted to convergence. A fit
// takes seconds where it is long, so it keeps no checkpoint: begun again it gives the same bits.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

#include "components/model_format/layers.h"
#include "components/train/learner.h"
#include "components/train/linear/curvature.h"
#include "components/train/linear/minimise.h"
#include "components/train/linear/problem.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

// From strong to weak, so that each fit starts near its answer. In the units of problem.h: 1
// shrinks all coefficients to nearly nothing, 1e-6 is hardly felt by a hundred rows.
constexpr double kPenalties[] = {1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6};
// Penalties of bends, by that of the lines; 0: none. On many rows folds need not say what bends are
// worth: these bear them.
constexpr double kBends[] = {0, 30, 1};
constexpr std::size_t kMostRowsToAsk = 20'000;
// |r| is smoothed more and more weakly, in the label's standard deviations.
constexpr double kSmoothings[] = {0.1, 0.01, 0.001};
// Penalties are chosen by losses that differ by more than this leaves undecided.
constexpr Bounds kToChoose = {.gradient = 1e-4, .decrease = 1e-9};
constexpr std::size_t kMostCoefficients = 200;  // of a report

struct Setting {
  double penalty = 0;
  double bends = 1;
};

Json ToJson(const Setting& setting) {
  char text[64];
  std::snprintf(text, sizeof(text), "penalty=%.6g", setting.penalty);
  Json json = {{"id", text}, {"penalty", setting.penalty}};
  if (setting.bends == 1) return json;
  std::snprintf(text, sizeof(text), setting.bends == 0 ? ", no bends" : ", bends at %.6g times",
                setting.bends);
  json["id"] = json["id"].get<std::string>() + text;
  json["bends"] = setting.bends;
  return json;
}

Result<Setting> ParseSetting(const Json& json) {
  const auto number = [&](const char* name) {
    return json.contains(name) && json[name].is_number();
  };
  if (!number("penalty") || (json.contains("bends") && !number("bends"))) {
    return Internal("linear: a setting without its penalty: " + json.dump());
  }
  return Setting{json["penalty"], json.value("bends", 1.0)};
}

bool IsSmoothed(Loss loss) { return loss == Loss::kAbsolute || loss == Loss::kQuantile; }

class FittedLinear : public Fitted {
 public:
  FittedLinear(LinearModel model, Minimum minimum, Setting setting, const Context& context)
      : model_(std::move(model)),
        minimum_(minimum),
        setting_(setting),
        features_(context.features.begin(), context.features.end()) {}

  Result<std::vector<double>> Answer(const sdk::FloatMatrix& x) const override {
    if (x.width != model_.width) {
      return Internal("linear: " + std::to_string(x.width) + " features of " +
                      std::to_string(model_.width));
    }
    return model_.Answers(x.data.get(), x.rows);
  }

  Result<void> Save(const std::string& folder, sdk::ModelManifest& manifest) const override;
  Json Describe() const override;

 private:
  LinearModel model_;
  Minimum minimum_;
  Setting setting_;
  std::vector<sdk::Feature> features_;
};

Result<void> FittedLinear::Save(const std::string& folder, sdk::ModelManifest& manifest) const {
  const std::size_t outputs = model_.loss.outputs;
  const bool poisson = model_.loss.loss == Loss::kPoisson;
  // What scales the answer of a linear model scales its weights; exp's goes into the intercept.
  const double scale = poisson ? 1 : model_.scale;
  std::vector<float> weight;
  for (const double w : model_.weights) weight.push_back(float(w * scale));
  std::vector<float> bias;
  for (const double b : model_.intercepts) {
    bias.push_back(float(poisson ? b + std::log(model_.scale) : b * scale + model_.offset));
  }
  std::vector<sdk::Layer> layers(1);
  layers[0].op = sdk::LayerOp::kLinear;
  layers[0].weight = "w0";
  layers[0].bias = "b0";
  const auto add = [&](sdk::LayerOp op) { layers.emplace_back().op = op; };
  if (poisson) add(sdk::LayerOp::kExp);
  if (model_.loss.loss == Loss::kLog) {
    add(outputs > 1 ? sdk::LayerOp::kSoftmax : sdk::LayerOp::kSigmoid);
  }
  if (outputs == 1) add(sdk::LayerOp::kSqueeze);
  const auto rows = std::int64_t(outputs);
  PENSTOCK_TRY(sdk::WriteSafetensors(
      folder + "/" + sdk::kWeightsFile,
      {{"w0",
        {sdk::TensorType::kF32,
         {rows, std::int64_t(model_.width)},
         std::as_bytes(std::span(weight))}},
       {"b0", {sdk::TensorType::kF32, {rows}, std::as_bytes(std::span(bias))}}},
      {{"format", "pt"}}));
  PENSTOCK_TRY(
      WriteFileAtomically(folder + "/" + sdk::kNetworkFile, sdk::ToJson(layers).dump(1) + "\n"));
  manifest.backend = "safetensors";
  manifest.file = sdk::kWeightsFile;
  manifest.more_files.clear();
  return {};
}

// Coefficients in the units of features and label (poisson: of the label's logarithm).
Json FittedLinear::Describe() const {
  const std::size_t outputs = model_.loss.outputs;
  const double scale = model_.loss.loss == Loss::kPoisson ? 1 : model_.scale;
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t j = 0; j < model_.width; ++j) {
    double most = 0;
    for (std::size_t k = 0; k < outputs; ++k) {
      most = std::max(most, std::abs(model_.weights[k * model_.width + j]));
    }
    order.emplace_back(-most, j);
  }
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), kMostCoefficients));
  const auto values = [&](const std::vector<double>& from, std::size_t j, std::size_t stride,
                          double factor, double added) -> Json {
    if (outputs == 1) return from[j] * factor + added;
    Json list = Json::array();
    for (std::size_t k = 0; k < outputs; ++k) list.push_back(from[k * stride + j]);
    return list;
  };
  Json coefficients = Json::array();
  for (const auto& [size, j] : order) {
    coefficients.push_back(
        {{"feature", j < features_.size() ? features_[j].name : std::to_string(j)},
         {"coefficient", values(model_.weights, j, model_.width, scale, 0)}});
  }
  const double added = model_.loss.loss == Loss::kPoisson ? std::log(model_.scale) : model_.offset;
  return {{"penalty", setting_.penalty},
          {"bends", setting_.bends},
          {"converged", minimum_.converged},
          {"iterations", minimum_.steps},
          {"gradient", minimum_.gradient},
          {"objective", minimum_.value},
          {"features", model_.width},
          {"intercept", values(model_.intercepts, 0, 1, scale, added)},
          {"coefficients", std::move(coefficients)}};
}

// A table as it is without its bends, or as it is.
class Shape {
 public:
  Shape(const Rows& rows, const Context& context, bool bends) : rows_(rows), context_(context) {
    if (bends) return;
    for (std::size_t j = 0; j < rows.x->width; ++j) {
      if (j < context.features.size() && context.features[j].bend) continue;
      columns_.push_back(j);
      if (j < context.features.size()) features_.push_back(context.features[j]);
    }
    const std::size_t width = columns_.size();
    x_ = {rows.x->rows, width, std::make_unique<float[]>(rows.x->rows * width)};
    float* to = x_.data.get();
    for (std::size_t i = 0; i < x_.rows; ++i) {
      const float* row = rows.x->data.get() + i * rows.x->width;
      for (const std::size_t j : columns_) *to++ = row[j];
    }
    all_ = rows.x->width;
    rows_.x = &x_;
    context_.features = features_;
  }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  [[nodiscard]] const Rows& rows() const { return rows_; }
  [[nodiscard]] const Context& context() const { return context_; }
  // Of all columns: 0 for those that were left out.
  [[nodiscard]] LinearModel Whole(LinearModel model) const {
    if (all_ == 0) return model;
    std::vector<double> weights(model.loss.outputs * all_);
    for (std::size_t k = 0; k < model.loss.outputs; ++k) {
      for (std::size_t j = 0; j < columns_.size(); ++j) {
        weights[k * all_ + columns_[j]] = model.weights[k * model.width + j];
      }
    }
    model.weights = std::move(weights);
    model.width = all_;
    return model;
  }

 private:
  Rows rows_;
  Context context_;
  std::size_t all_ = 0;  // columns, where some are left out
  std::vector<std::size_t> columns_;
  std::vector<sdk::Feature> features_;
  sdk::FloatMatrix x_;
};

// Fits one problem for one penalty after the other.
class Path {
 public:
  Path(LinearProblem problem, double bends, const Context& context)
      : context_(context),
        bends_(bends),
        problem_(std::move(problem)),
        curvature_(problem_),
        theta_(problem_.Start()) {}

  Result<Minimum> To(double penalty, Bounds bounds) {
    problem_.set_penalty(penalty);
    Objective objective;
    objective.evaluate = [this](auto x, auto gradient) { return problem_.Evaluate(x, gradient); };
    objective.renew = [this](auto x) { curvature_.Renew(x); };
    objective.solve = [this](auto v) { curvature_.Solve(v); };
    objective.step = [&](int step, double value) { return Tell(penalty, step, value); };
    if (!IsSmoothed(problem_.loss().loss)) return Minimise(objective, bounds, theta_);
    Minimum minimum;
    for (const double h : kSmoothings) {
      problem_.set_smoothing(h);
      bounds.gradient = 1e-2 * h;
      bounds.decrease = 1e-6 * h;
      PENSTOCK_ASSIGN(minimum, Minimise(objective, bounds, theta_));
    }
    return minimum;
  }

  [[nodiscard]] LinearModel Model() const { return problem_.Model(theta_); }

 private:
  Result<void> Tell(double penalty, int step, double value) const {
    if (context_.stop && context_.stop()) return Cancelled("linear: stopped");
    if (!context_.report) return {};
    Progress progress;
    progress.learner = "linear";
    progress.setting = ToJson({penalty, bends_});
    progress.round = step;
    progress.train_loss = value;
    context_.report(progress);
    return {};
  }

  const Context& context_;
  double bends_;
  LinearProblem problem_;
  Curvature curvature_;
  std::vector<double> theta_;
};

class Linear : public Learner {
 public:
  explicit Linear(LinearOptions options) {
    if (options.penalty) {
      penalties_ = {*options.penalty};
    } else {
      penalties_.assign(std::begin(kPenalties), std::end(kPenalties));
    }
  }

  std::string name() const override { return "linear"; }
  sdk::View view() const override { return sdk::View::kDense; }

  double Cost(std::size_t rows, std::span<const sdk::Feature> features,
              const Target& target) const override {
    constexpr double kPasses = 20;
    const std::size_t width = features.size();
    const double pass = 2 * double(rows) * double(width + 1) * double(target.width());
    const double shapes = rows < kMostRowsToAsk ? double(std::size(kBends)) : 1;
    return shapes * (kPasses * pass + 2 * Curvature::Cost(rows, width, target.width())) / 1e6;
  }

  Result<std::vector<Trial>> Try(const Rows& train, const Rows& held_out,
                                 const Context& context) const override {
    std::vector<Trial> trials;
    for (const double bends : BendsFor(train.y.size() + held_out.y.size(), context)) {
      const Shape shape(train, context, bends != 0);
      PENSTOCK_ASSIGN(auto problem, LinearProblem::Make(shape.rows(), shape.context(), bends));
      Path path(std::move(problem), bends, context);
      for (const double penalty : penalties_) {
        PENSTOCK_TRY(path.To(penalty, kToChoose));
        const LinearModel model = shape.Whole(path.Model());
        trials.push_back({ToJson({penalty, bends}),
                          model.Answers(held_out.x->data.get(), held_out.x->rows), std::nullopt});
      }
    }
    return trials;
  }

  Result<std::unique_ptr<Fitted>> Fit(const Rows& train, const Json& setting,
                                      std::optional<double> /*rounds*/,
                                      const Context& context) const override {
    PENSTOCK_ASSIGN(const auto own, ParseSetting(setting));
    const Shape shape(train, context, own.bends != 0);
    PENSTOCK_ASSIGN(auto problem, LinearProblem::Make(shape.rows(), shape.context(), own.bends));
    Path path(std::move(problem), own.bends, context);
    PENSTOCK_ASSIGN(const auto minimum, path.To(own.penalty, {}));
    return std::unique_ptr<Fitted>(
        std::make_unique<FittedLinear>(shape.Whole(path.Model()), minimum, own, context));
  }

 private:
  // `rows`: training and held-out ones together, so that it is the same in every fold.
  static std::vector<double> BendsFor(std::size_t rows, const Context& context) {
    if (!context.bends || rows >= kMostRowsToAsk) return {1};
    return {std::begin(kBends), std::end(kBends)};
  }

  std::vector<double> penalties_;
};

}  // namespace

std::unique_ptr<Learner> MakeLinear(LinearOptions options) {
  return std::make_unique<Linear>(options);
}

}  // namespace penstock::train
