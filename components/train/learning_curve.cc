#include "components/train/learning_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "components/train/nested.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr std::uint32_t kPortions = 16;  // of a fold's training rows; a part is the smallest share
constexpr std::size_t kFewestRows = 50;  // that are worth learning from
constexpr double kNormal95 = 1.96;
// What people call no gain: a hundredth of what the model is better than a constant.
constexpr double kNoGain = 0.01;

// The first repeat: parts are compared by the same rows held out.
FoldPlan FirstRepeat(const FoldPlan& plan) {
  FoldPlan first = plan;
  first.folds.resize(plan.a_repeat);
  return first;
}

bool HasAllClasses(const Labels& labels, const std::vector<std::uint32_t>& rows) {
  if (!labels.classification()) return true;
  std::vector<bool> seen(labels.target.classes, false);
  for (const std::uint32_t r : rows) seen[std::size_t(labels.y[r])] = true;
  return std::find(seen.begin(), seen.end(), false) == seen.end();
}

// By fold, the part of each training row, in [0, kPortions).
std::vector<std::vector<std::uint32_t>> PartsOfRows(const Labels& labels, const FoldPlan& plan,
                                                    std::uint64_t seed) {
  std::vector<std::vector<std::uint32_t>> parts;
  for (const Fold& fold : plan.folds) {
    std::vector<double> y;
    std::vector<std::uint32_t> group;
    for (const std::uint32_t r : fold.train) {
      y.push_back(labels.y[r]);
      if (!labels.group.empty()) group.push_back(labels.group[r]);
    }
    parts.push_back(SpreadRows(y, labels.classification(), group, kPortions, seed));
  }
  return parts;
}

// The plan with the first `taken` parts of each fold's training rows; nullopt where that is too
// little.
std::optional<FoldPlan> Smaller(const Labels& labels, const FoldPlan& plan,
                                const std::vector<std::vector<std::uint32_t>>& parts,
                                std::uint32_t taken) {
  FoldPlan smaller = plan;
  for (std::size_t f = 0; f < plan.folds.size(); ++f) {
    std::vector<std::uint32_t>& rows = smaller.folds[f].train;
    rows.clear();
    for (std::size_t i = 0; i < plan.folds[f].train.size(); ++i)
      if (parts[f][i] < taken) rows.push_back(plan.folds[f].train[i]);
    if (rows.size() < kFewestRows || !HasAllClasses(labels, rows)) return std::nullopt;
  }
  return smaller;
}

double MeanRows(const FoldPlan& plan) {
  double sum = 0;
  for (const Fold& fold : plan.folds) sum += double(fold.train.size());
  return sum / double(plan.folds.size());
}

std::vector<double> WeightsOf(const Labels& labels, const FoldPlan& plan) {
  std::vector<std::uint32_t> rows;
  for (const Fold& fold : plan.folds)
    rows.insert(rows.end(), fold.held_out.begin(), fold.held_out.end());
  std::sort(rows.begin(), rows.end());  // the order of Score::losses
  std::vector<double> weight;
  for (const std::uint32_t r : rows)
    if (!labels.fit_weight.empty()) weight.push_back(labels.fit_weight[r]);
  return weight;
}

Result<double> OnTrainingRows(const Table& table, const Choice& choice, const FittedModel& fitted,
                              const std::vector<std::uint32_t>& rows) {
  PENSTOCK_ASSIGN(const auto answers, AnswerRows(table, choice.best, fitted, rows));
  std::vector<double> y;
  std::vector<double> weight;
  for (const std::uint32_t r : rows) {
    y.push_back(table.labels.y[r]);
    if (!table.labels.fit_weight.empty()) weight.push_back(table.labels.fit_weight[r]);
  }
  return ScoreOf(choice.board.metric, table.labels.target, answers, y, weight).value;
}

// How much better `b` is than `a`, in the metric's unit.
double Better(const std::string& metric, double a, double b) {
  return metric == "auc" || metric == "accuracy" ? b - a : a - b;
}

std::string Digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

void Judge(const Table& table, const Choice& choice, const FoldPlan& plan, LearningCurve& curve) {
  const std::string& metric = choice.board.metric;
  const CurvePoint& half = curve.points[curve.points.size() - 2];
  const CurvePoint& all = curve.points.back();
  curve.gain = Better(metric, half.score.value, all.score.value);
  if (!all.score.losses.empty() && table.labels.group.empty()) {
    double error =
        PairedStandardError(half.score.losses, all.score.losses, WeightsOf(table.labels, plan));
    if (metric == "rmse") error /= half.score.value + all.score.value;  // of a difference of roots
    if (std::isfinite(error)) curve.gain_error = error;
  }
  const double won = Better(metric, choice.board.dummy.value, all.score.value);
  const double margin = kNormal95 * curve.gain_error.value_or(0);
  curve.more_rows = !curve.gain_error                               ? "undecided"
                    : curve.gain - margin > 0                       ? "help"
                    : curve.gain + margin < kNoGain * std::abs(won) ? "doNotHelp"
                                                                    : "undecided";
  curve.why = "From " + Digits(half.rows) + " to " + Digits(all.rows) + " rows " + metric +
              " went from " + Digits(half.score.value) + " to " + Digits(all.score.value);
  if (curve.gain_error)
    curve.why += " (better by " + Digits(curve.gain - margin) + " to " +
                 Digits(curve.gain + margin) + ", about 95 %)";
  curve.why += curve.more_rows == "help" ? ": more rows would help."
               : curve.more_rows == "doNotHelp"
                   ? ": more rows would not help; other features, or a "
                     "learner of another kind, might."
                   : ": whether more rows would help is undecided.";
}

}  // namespace

Result<std::optional<LearningCurve>> DrawLearningCurve(const Table& table, const Choice& choice,
                                                       const FittedModel& fitted,
                                                       const std::vector<std::uint32_t>& rows) {
  const auto seed = std::uint64_t(table.options.seed);
  const FoldPlan plan = FirstRepeat(choice.plan);
  const auto parts = PartsOfRows(table.labels, plan, seed);
  LearningCurve curve;
  for (std::uint32_t taken = 1; taken < kPortions; taken *= 2) {
    const auto smaller = Smaller(table.labels, plan, parts, taken);
    if (!smaller) continue;
    const auto tried =
        TryLearner(table, *smaller, *choice.best.learner, choice.best.log_target, false, {});
    if (!tried && tried.error().kind == ErrorKind::kCancelled) return tried.error();
    if (!tried) {  // the model stands; a part may lack what a learner or a recipe needs
      table.around.Say("learningCurve",
                       {{"rows", MeanRows(*smaller)}, {"error", tried.error().message}});
      continue;
    }
    curve.points.push_back(
        {MeanRows(*smaller),
         ChooseSetting(choice.board.metric, table.labels, *smaller, *tried, seed).score});
    table.around.Say("learningCurve", {{"rows", curve.points.back().rows},
                                       {"metric", choice.board.metric},
                                       {"value", curve.points.back().score.value}});
  }
  if (curve.points.empty()) return std::optional<LearningCurve>();
  auto answers = choice.best.answers;
  answers.resize(plan.folds.size());
  curve.points.push_back(
      {MeanRows(plan), ScoreFolds(choice.board.metric, table.labels, plan, answers)});
  PENSTOCK_ASSIGN(curve.training, OnTrainingRows(table, choice, fitted, rows));
  Judge(table, choice, plan, curve);
  return std::optional(std::move(curve));
}

Json ToJson(const LearningCurve& curve) {
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  Json points = Json::array();
  for (const CurvePoint& point : curve.points)
    points.push_back({{"rows", point.rows},
                      {"value", number(point.score.value)},
                      {"standardError", number(point.score.standard_error)}});
  Json j = {{"points", std::move(points)},
            {"trainingRows", number(curve.training)},
            {"lastDoubling", {{"gain", number(curve.gain)}}},
            {"moreRows", curve.more_rows},
            {"why", curve.why}};
  if (curve.gain_error) j["lastDoubling"]["standardError"] = number(*curve.gain_error);
  return j;
}

}  // namespace penstock::train
