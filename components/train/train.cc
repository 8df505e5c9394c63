#include "components/train/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/sdk/labels/label_columns.h"
#include "components/train/artifact.h"
#include "components/train/predictions.h"
#include "components/train/report.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kConfidence = 0.95;  // of the intervals in the metrics
constexpr const char* kLearntBefore =
    "The network began with weights of init: where that has learnt from rows of train or valid, "
    "they were not held out, and the metrics are too good.";

// Does the last layer of `init` answer what is learnt here: the same classes in their order, or
// numbers in both? If not it begins anew, where that was asked for. A file of weights does not say.
Result<void> CheckAnswer(const InitSource& init, const Labels& labels, InitOptions& options) {
  if (!init.manifest || (init.manifest->task == labels.label.task &&
                         init.manifest->classes == labels.label.classes)) {
    return {};
  }
  if (!options.fresh) {
    return Invalid("input init: its model answers " + Json(init.manifest->classes).dump() +
                   ", and label '" + labels.label.column + "' has " +
                   Json(labels.label.classes).dump() +
                   "; initUnmatched: fresh begins the last layer anew");
  }
  options.fresh_answer = true;
  return {};
}

// What is asked for and cannot be had of this label; before anything is fitted.
Result<void> CheckAgainst(const Labels& labels, const TrainOptions& options) {
  if (options.calibrate != sdk::CalibrationMethod::kNone && !labels.classification()) {
    return Invalid("parameter calibrate: is of a classification, and this is a regression");
  }
  if (options.threshold.by != ThresholdBy::kFixed && labels.target.classes != 2) {
    return Invalid("parameter thresholdBy: is of two classes, and label '" + labels.label.column +
                   "' has " + (labels.classification() ? "more" : "values"));
  }
  if (options.log_target == "always" && labels.target.loss != Loss::kSquared) {
    return Invalid("parameter logTarget: always is of a regression by loss squared, and label '" +
                   labels.label.column +
                   (labels.classification() ? "' has classes" : "' is learnt by another loss") +
                   "; leave logTarget out");
  }
  PENSTOCK_ASSIGN(const auto metric, ChoiceMetric(options.metric, labels.target));
  static_cast<void>(metric);
  return {};
}

// The model is calibrated where its answers to all parts of the rows held out bear it out.
Result<void> Calibrate(const Labels& labels, const TrainOptions& options, Outcome& outcome) {
  if (options.calibrate == sdk::CalibrationMethod::kNone) return {};
  HeldOutAnswers& h = outcome.held_out;
  PENSTOCK_ASSIGN(const auto calibration, FitCalibration(options.calibrate, h, labels.target));
  std::vector<double> calibrated;
  if (calibration.method == options.calibrate) {
    PENSTOCK_ASSIGN(calibrated, CrossCalibrated(options.calibrate, h, labels.target,
                                                std::uint64_t(options.seed)));
  }
  if (calibrated.empty()) {
    outcome.notes.push_back(
        "The model is not calibrated: its answers to rows that were held out, or to a part of "
        "them, do not rank them, so that there is nothing to calibrate.");
    return {};
  }
  outcome.calibration = calibration;
  h.answers = std::move(calibrated);
  return {};
}

// A calibration, the threshold and the metrics, all from rows held out.
Result<void> Judge(const Labels& labels, const TrainOptions& options, Outcome& outcome) {
  HeldOutAnswers& h = outcome.held_out;
  PENSTOCK_TRY(Calibrate(labels, options, outcome));
  outcome.threshold = options.threshold.fixed;
  if (labels.classification() && labels.target.classes == 2) {
    outcome.threshold = ChooseThreshold(options.threshold, h.answers, h.y, h.weight);
  }
  return {};
}

// Those that the model is fitted on.
std::vector<std::uint32_t> FittedRows(const Table& table) {
  std::vector<std::uint32_t> rows(table.options.refit ? table.labels.rows()
                                                      : table.labels.train_rows);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

Result<void> FitChosen(const Table& table, Outcome& outcome) {
  if (outcome.choice.best.kept && !table.options.refit) {
    outcome.fitted = *outcome.choice.best.kept;
    return {};
  }
  outcome.refitted = table.options.refit;
  PENSTOCK_ASSIGN(outcome.fitted, FitCandidate(table, outcome.choice.best, FittedRows(table)));
  return {};
}

Result<void> LearnABatch(const Table& table, const std::vector<std::unique_ptr<Learner>>& learners,
                         Outcome& outcome) {
  if (!table.options.overfit_one_batch) return {};
  auto report = LearnOneBatch(table, learners, FittedRows(table));
  if (!report) {  // a diagnosis; what is wrong with the learner or the rows its own turn tells
    if (report.error().kind == ErrorKind::kCancelled) return report.error();
    outcome.notes.push_back("One batch could not be learnt: " + report.error().message);
    return {};
  }
  outcome.batch = *std::move(report);
  if (!outcome.batch) {
    outcome.notes.push_back(
        "overfitOneBatch: no learner of this training learns by batches; model mlp does.");
    return {};
  }
  const OverfitReport& batch = *outcome.batch;
  table.around.Say("overfitOneBatch", {{"learnt", batch.learnt}, {"what", batch.says}});
  if (!batch.learnt) outcome.notes.push_back("One batch: " + batch.says + ".");
  return {};
}

Result<void> AskForMoreRows(const Table& table, Outcome& outcome) {
  if (!table.options.learning_curve) return {};
  PENSTOCK_ASSIGN(outcome.curve,
                  DrawLearningCurve(table, outcome.choice, outcome.fitted, FittedRows(table)));
  if (!outcome.curve)
    outcome.notes.push_back(
        "There is no learning curve: half of the rows are too few to learn from (50, and some of "
        "each class).");
  return {};
}

// What the trials' keys hold of the parameters: not what leaves answers as they are.
Json ParametersThatCount(const Json& all, const std::optional<InitSource>& init,
                         const InitOptions& taken) {
  Json some = all.is_object() ? all : Json::object();
  for (const char* name :
       {"checkpoint", "maxTime", "budget", "name", "examples", "threshold", "thresholdBy", "costs",
        "calibrate", "metric", "refit", "folds", "learningCurve", "overfitOneBatch"}) {
    some.erase(name);
  }
  if (init) some["init"] = {{"digest", init->digest}, {"freshAnswer", taken.fresh_answer}};
  return some;
}

void SayInit(const Surroundings& around, const Outcome& outcome) {
  const Json said = outcome.fitted.model->Describe();
  if (said.contains("init")) around.Say("init", said["init"]);
}

void SayEnd(const Surroundings& around, const Outcome& outcome) {
  const Board& board = outcome.choice.board;
  for (const BoardLine& line : board.lines) {
    if (!line.chosen) continue;
    around.Say("chosen", {{"learner", line.learner},
                          {"setting", line.setting},
                          {"metric", board.metric},
                          {"value", line.nested->value},
                          {"standardError", line.nested->standard_error},
                          {"dummy", board.dummy.value}});
  }
  if (board.beats_dummy) return;
  around.Say("warning", {{"what", "the model does not beat a constant answer"},
                         {"metric", board.metric},
                         {"dummy", board.dummy.value}});
}

Result<void> Learn(LabelTraining& training, FoldPlan plan) {
  const Table& table = training.table;
  Outcome& outcome = training.outcome;
  PENSTOCK_TRY(LearnABatch(table, training.learners, outcome));
  PENSTOCK_ASSIGN(outcome.choice,
                  Choose(table, std::move(plan), training.learners, training.inputs.recipe));
  outcome.held_out = HeldOutOf(table.labels, outcome.choice.plan, outcome.choice.best);
  PENSTOCK_TRY(Judge(table.labels, table.options, outcome));
  PENSTOCK_TRY(FitChosen(table, outcome));
  SayInit(table.around, outcome);
  PENSTOCK_TRY(AskForMoreRows(table, outcome));
  for (const auto& note : outcome.notes) table.around.Say("warning", {{"what", note}});
  PENSTOCK_ASSIGN(outcome.manifest, DescribeModel(table.labels, table.options, outcome));
  const std::vector<float> raw(outcome.held_out.answers.begin(), outcome.held_out.answers.end());
  const std::vector<float> y(outcome.held_out.y.begin(), outcome.held_out.y.end());
  outcome.metrics = sdk::Measure(outcome.manifest, raw, y, {}, kConfidence);
  SayEnd(table.around, outcome);
  return {};
}

}  // namespace

HeldOutAnswers HeldOutOf(const Labels& labels, const FoldPlan& plan, const Candidate& candidate) {
  struct Place {
    std::uint32_t fold = UINT32_MAX;
    std::size_t at = 0;
  };
  std::vector<Place> places(labels.rows());
  for (std::size_t f = 0; f < plan.a_repeat; ++f) {
    const auto& rows = plan.folds[f].held_out;
    for (std::size_t i = 0; i < rows.size(); ++i) places[rows[i]] = {std::uint32_t(f), i};
  }
  HeldOutAnswers h;
  const std::size_t width = labels.target.width();
  for (std::size_t r = 0; r < labels.rows(); ++r) {
    if (places[r].fold == UINT32_MAX) continue;
    h.rows.push_back(std::uint32_t(r));
    h.fold.push_back(places[r].fold);
    h.y.push_back(labels.y[r]);
    if (!labels.weight.empty()) h.weight.push_back(labels.weight[r]);
    if (!labels.group.empty()) h.group.push_back(labels.group[r]);
    const double* answer = candidate.answers[places[r].fold].data() + places[r].at * width;
    h.answers.insert(h.answers.end(), answer, answer + width);
  }
  return h;
}

LabelTraining::LabelTraining(const TrainOptions& asked, Inputs read, Labels learnt,
                             transform::TrainingTable loaded, const Surroundings& around,
                             Json parameters)
    : options(asked),
      inputs(std::move(read)),
      labels(std::move(learnt)),
      rows(std::move(loaded)),
      store(options.checkpoint),
      learners(around.learners(options)),
      table{rows, labels, options, around, store, std::move(parameters)} {}

namespace {

// What is known before anything is fitted.
struct Begun {
  TrainOptions options;
  TakenRows taken;
  FoldPlan plan;
};

Result<Begun> Begin(const TrainOptions& asked, Inputs& inputs, const Surroundings& around, As as) {
  Begun begun;
  TrainOptions& options = begun.options = asked;
  PENSTOCK_ASSIGN(begun.taken, TakeRows(options, around, as, inputs));
  const Labels& labels = begun.taken.labels;
  for (const auto& note : labels.notes) around.Say("label", {{"what", note}});
  PENSTOCK_TRY(CheckAgainst(labels, options));
  if (inputs.init) PENSTOCK_TRY(CheckAnswer(*inputs.init, labels, options.mlp.init));
  if (inputs.predictions && as == As::kAlone) {
    PENSTOCK_TRY(CheckPredictions(inputs.sources, labels));
  }
  PENSTOCK_ASSIGN(begun.plan, PlanFolds(labels, options.folds, options.model == "auto",
                                        std::uint64_t(options.seed)));
  return begun;
}

}  // namespace

Result<void> LookAtLabel(const TrainOptions& options, Inputs inputs, const Surroundings& around,
                         As as) {
  Surroundings silent = around;
  silent.print = [](const std::string&) {};
  PENSTOCK_ASSIGN(const auto begun, Begin(options, inputs, silent, as));
  static_cast<void>(begun);
  return {};
}

Result<std::unique_ptr<LabelTraining>> LearnOneLabel(const TrainOptions& asked, Inputs inputs,
                                                     const Surroundings& around,
                                                     const Json& parameters, As as) {
  PENSTOCK_ASSIGN(auto begun, Begin(asked, inputs, around, as));
  TakenRows& taken = begun.taken;
  PENSTOCK_ASSIGN(auto rows, LoadRows(inputs));
  Json counting = ParametersThatCount(parameters, inputs.init, begun.options.mlp.init);
  auto training =
      std::make_unique<LabelTraining>(begun.options, std::move(inputs), std::move(taken.labels),
                                      std::move(rows), around, std::move(counting));
  if (training->inputs.init) training->outcome.notes.emplace_back(kLearntBefore);
  training->outcome.size = taken.size;
  training->outcome.share = taken.share;
  PENSTOCK_TRY(Learn(*training, std::move(begun.plan)));
  return training;
}

namespace {

Result<void> WriteResults(const sdk::Step& step, const Outcome& outcome, bool asked) {
  const Board& board = outcome.choice.board;
  Json shown = ToJson(board, 1);
  for (Json& line : shown) {
    for (const char* text : {"error", "leftOut"}) {
      if (!line.contains(text)) continue;
      line[text] = line[text].get<std::string>().substr(0, 300);
    }
    line.erase("setting");  // in the report and the metrics; a result is small
  }
  for (const BoardLine& line : board.lines) {
    if (!line.chosen) continue;
    PENSTOCK_TRY(step.WriteResult("learner", line.learner));
    PENSTOCK_TRY(step.WriteResult("value", line.nested->value));
  }
  PENSTOCK_TRY(step.WriteResult("metric", board.metric));
  PENSTOCK_TRY(step.WriteResult("board", shown));
  PENSTOCK_TRY(step.WriteResult("beatsDummy", board.beats_dummy));
  PENSTOCK_TRY(step.WriteResult("moreRows", !asked           ? "notAsked"
                                            : !outcome.curve ? "tooFewRows"
                                                             : outcome.curve->more_rows));
  PENSTOCK_TRY(step.WriteResult("truncated", board.truncated));
  return step.WriteResult("sampled", outcome.share);
}

// The outputs that the step asks for; only the model must be among them.
Result<void> WriteOutputs(const sdk::Step& step, LabelTraining& training) {
  const Table& table = training.table;
  const std::vector<Source>& sources = training.inputs.sources;
  Outcome& outcome = training.outcome;
  PENSTOCK_ASSIGN(const auto model, step.OutputPath("model"));
  PENSTOCK_TRY(WriteModel(model, table, sources, outcome));
  if (step.HasOutput("metrics")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("metrics"));
    PENSTOCK_TRY(WriteFileAtomically(path, MetricsOf(table, outcome).dump(1) + "\n"));
  }
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("report"));
    PENSTOCK_TRY(WriteFileAtomically(path, ReportPage(table, outcome)));
  }
  if (step.HasOutput("predictions")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("predictions"));
    PENSTOCK_TRY(WritePredictions(path, sources, table.labels, outcome.held_out));
  }
  return WriteResults(step, outcome, table.options.learning_curve);
}

}  // namespace

Result<void> Train(sdk::Step& step, const Surroundings& around) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto train, step.InputPath("train"));
  PENSTOCK_ASSIGN(const auto labels, sdk::LabelColumns(options.label, options.labels, train));
  if (labels.empty()) {
    return Invalid("parameter label: is required, since no column of train has the role label");
  }
  if (labels.size() > 1) return Invalid("parameter label: name one");
  options.label = labels.front();
  if (options.name.empty()) options.name = options.label;
  PENSTOCK_ASSIGN(auto inputs, ReadInputs(step, options));
  PENSTOCK_ASSIGN(const auto training,
                  LearnOneLabel(options, std::move(inputs), around, step.parameters(), As::kAlone));
  if (training->outcome.choice.board.truncated) {
    PENSTOCK_TRY(step.DoNotCache("maxTime ended train before it had tried all candidates"));
  }
  return WriteOutputs(step, *training);
}

}  // namespace penstock::train
