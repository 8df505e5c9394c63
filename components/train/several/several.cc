#include "components/train/several/several.h"

#include <arrow/api.h>

#include <algorithm>
#include <set>

#include "components/model_format/label_models.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/labels/label_columns.h"
#include "components/sdk/model_examples.h"
#include "components/sdk/statistics.h"
#include "components/train/artifact.h"
#include "components/train/report.h"
#include "components/train/several/several_answers.h"
#include "components/train/train.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kConfidence = 0.95;         // of the intervals in the metrics
constexpr std::size_t kLabelsInResult = 25;  // a result is small
constexpr std::size_t kLabelsOnPage = 50;

// The rows that become the model's examples: of valid where there is one, else of train.
struct ExampleRows {
  Source dataset;
  std::vector<std::uint32_t> rows;  // ascending
};

ExampleRows ChooseExamples(const LabelTraining& training) {
  const Labels& labels = training.labels;
  const bool of_valid = labels.rows() > labels.train_rows;
  const std::size_t rows = of_valid ? labels.rows() - labels.train_rows : labels.train_rows;
  const std::size_t count = std::min(rows, std::size_t(training.options.examples));
  ExampleRows chosen;
  chosen.dataset = training.inputs.sources[of_valid ? 1 : 0];
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * rows / count;
    chosen.rows.push_back(chosen.dataset.sampled ? chosen.dataset.keep[row] : std::uint32_t(row));
  }
  return chosen;
}

// As a server computes the answers.
Result<std::vector<sdk::ModelExample>> AnswerExamples(const LabelTraining& training,
                                                      const ExampleRows& chosen) {
  const Outcome& outcome = training.outcome;
  PENSTOCK_ASSIGN(const auto rows,
                  transform::TrainingTable::Load({chosen.dataset.path}, training.inputs.recipe,
                                                 &chosen.rows, {chosen.dataset.name}));
  std::vector<std::uint32_t> all(chosen.rows.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::uint32_t(i);
  PENSTOCK_ASSIGN(const auto transform,
                  sdk::Transform::Make(outcome.fitted.spec, outcome.choice.best.learner->view()));
  PENSTOCK_ASSIGN(const auto x, rows.Matrix(transform, all));
  PENSTOCK_ASSIGN(const auto answers, outcome.fitted.model->Answer(x));
  std::vector<float> raw(answers.begin(), answers.end());
  sdk::Finish(outcome.manifest, raw);
  return sdk::MakeExamples(outcome.manifest, chosen.dataset.path, raw, chosen.rows);
}

// What is kept of the trainings that are over, and how it is written.
class Together {
 public:
  Together(sdk::Step& step, const TrainOptions& options, const Inputs& inputs,
           const std::vector<std::string>& labels, SeveralAnswers answers)
      : step_(step),
        options_(options),
        inputs_(inputs),
        labels_(labels),
        answers_(std::move(answers)),
        page_("Training of " + options.name) {}

  Result<void> Add(LabelTraining& training) {
    const std::string& label = training.options.label;
    PENSTOCK_ASSIGN(const auto model, step_.OutputPath("model"));
    const std::string folder = "labels/" + std::to_string(manifest_.labels.size());
    PENSTOCK_TRY(WriteModel(model + "/" + folder, training.table, training.inputs.sources,
                            training.outcome));
    manifest_.labels.push_back({label, folder});
    if (examples_.empty()) chosen_ = ChooseExamples(training);
    PENSTOCK_ASSIGN(examples_.emplace_back(), AnswerExamples(training, chosen_));
    PENSTOCK_TRY(AddStatistics(model + "/" + folder, label));
    answers_.Add(training);
    metrics_[label] = MetricsOf(training.table, training.outcome);
    if (manifest_.labels.size() <= kLabelsOnPage) {
      page_.Heading("Label '" + label + "'");
      AddTraining(training.table, training.outcome, page_);
    }
    AddToBoard(training);
    return {};
  }

  Result<void> Write() {
    const sdk::Metrics all = answers_.Measure(kConfidence);
    PENSTOCK_TRY(WriteModelOfAll(all));
    if (step_.HasOutput("metrics")) {
      const Json metrics = {{"rows", answers_.rows()},
                            {"overall", sdk::ToJson(all)},
                            {"labels", metrics_},
                            {"truncated", truncated_}};
      PENSTOCK_ASSIGN(const auto path, step_.OutputPath("metrics"));
      PENSTOCK_TRY(WriteFileAtomically(path, metrics.dump(1) + "\n"));
    }
    if (step_.HasOutput("report")) {
      PENSTOCK_ASSIGN(const auto path, step_.OutputPath("report"));
      if (labels_.size() > kLabelsOnPage) {
        page_.Text("Of " + std::to_string(labels_.size()) + " labels the first " +
                   std::to_string(kLabelsOnPage) + " are shown; metrics has all.");
      }
      page_.Heading("All labels together");
      AddMetrics(all, page_);
      PENSTOCK_TRY(WriteFileAtomically(path, page_.Html()));
    }
    if (step_.HasOutput("predictions")) {
      PENSTOCK_ASSIGN(const auto path, step_.OutputPath("predictions"));
      PENSTOCK_TRY(answers_.Write(path));
    }
    return WriteResults();
  }

 private:
  Result<void> AddStatistics(const std::string& folder, const std::string& label) {
    const std::string path = folder + "/" + sdk::kStatisticsFile;
    PENSTOCK_ASSIGN(const auto text, ReadFile(path));
    PENSTOCK_ASSIGN(auto own, ParseJson(text, path));
    for (const auto& [name, value] : own["outputs"].items()) {
      outputs_[sdk::OutputOfLabel(name, label)] = value;
    }
    return {};
  }

  // Of all rows, whatever labels are known of them: what is served is compared with these.
  Result<void> WriteStatistics(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& column : inputs_.recipe.inputs) names.push_back(column.name);
    const Source& train = inputs_.sources.front();
    PENSTOCK_ASSIGN(auto statistics, sdk::ComputeStatistics(train.path, names,
                                                            train.sampled ? &train.keep : nullptr));
    statistics["outputs"] = outputs_;
    return WriteFileAtomically(folder + "/" + sdk::kStatisticsFile, statistics.dump(1) + "\n");
  }

  void AddToBoard(const LabelTraining& training) {
    const Board& board = training.outcome.choice.board;
    for (const BoardLine& line : board.lines) {
      if (!line.chosen) continue;
      learners_.insert(line.learner);
      value_ += line.nested->value / double(labels_.size());
      if (board_.size() < kLabelsInResult) {
        board_.push_back({{"label", training.options.label},
                          {"learner", line.learner},
                          {"value", line.nested->value},
                          {"beatsDummy", board.beats_dummy}});
      }
    }
    metric_ = board.metric;
    beats_dummy_ = beats_dummy_ && board.beats_dummy;
    truncated_ = truncated_ || board.truncated;
    share_ = std::min(share_, training.outcome.share);
    const auto& curve = training.outcome.curve;
    more_rows_.insert(curve ? curve->more_rows : "tooFewRows");
  }

  Result<void> WriteModelOfAll(const sdk::Metrics& all) {
    PENSTOCK_ASSIGN(const auto folder, step_.OutputPath("model"));
    manifest_.name = options_.name;
    manifest_.metrics = sdk::ValuesOf(all);
    manifest_.metrics["rows"] = answers_.rows();
    manifest_.seed = options_.seed;
    PENSTOCK_TRY(sdk::SaveLabelsManifest(folder, manifest_));
    PENSTOCK_TRY(sdk::SaveExamples(folder, sdk::JoinExamples(labels_, examples_)));
    return WriteStatistics(folder);
  }

  Result<void> WriteResults() {
    std::string learners;
    for (const auto& name : learners_) learners += (learners.empty() ? "" : ", ") + name;
    PENSTOCK_TRY(step_.WriteResult("learner", learners));
    PENSTOCK_TRY(step_.WriteResult("metric", metric_));
    PENSTOCK_TRY(step_.WriteResult("value", value_));
    PENSTOCK_TRY(step_.WriteResult("board", board_));
    PENSTOCK_TRY(step_.WriteResult("beatsDummy", beats_dummy_));
    PENSTOCK_TRY(step_.WriteResult("moreRows", !options_.learning_curve ? "notAsked"
                                               : more_rows_.size() == 1 ? *more_rows_.begin()
                                                                        : "undecided"));
    PENSTOCK_TRY(step_.WriteResult("truncated", truncated_));
    PENSTOCK_TRY(step_.WriteResult("sampled", share_));
    if (!truncated_) return {};
    return step_.DoNotCache("maxTime ended train before it had tried all candidates");
  }

  sdk::Step& step_;
  const TrainOptions& options_;
  const Inputs& inputs_;
  const std::vector<std::string>& labels_;
  SeveralAnswers answers_;
  sdk::Page page_;
  sdk::LabelsManifest manifest_;
  ExampleRows chosen_;
  std::vector<std::vector<sdk::ModelExample>> examples_;  // by label
  Json outputs_ = Json::object();                         // statistics
  Json metrics_ = Json::object();
  Json board_ = Json::array();
  std::set<std::string> learners_;
  std::set<std::string> more_rows_;
  std::string metric_;
  double value_ = 0;
  double share_ = 1;
  bool beats_dummy_ = true;
  bool truncated_ = false;
};

// Of a model that nobody named.
std::string JoinedName(const std::vector<std::string>& labels) {
  constexpr std::size_t kMost = 100;
  std::string name;
  for (const auto& label : labels) name += (name.empty() ? "" : "-") + label;
  return name.size() <= kMost ? name : "labels";
}

Result<TrainOptions> OptionsOf(const std::string& label, TrainOptions options) {
  if (options.task == "regression") {
    return Invalid("parameter task: several labels are classes; train numbers one by one");
  }
  options.task = "classification";
  options.label = label;
  return options;
}

// The step's parameters as if the label were alone.
Json ParametersOf(const std::string& label, const Json& all) {
  Json own = all.is_object() ? all : Json::object();
  own.erase("labels");
  own["label"] = label;
  return own;
}

// What is left of the memory beside the answers of all labels, which are kept to the end.
Result<Surroundings> BesideAnswers(const Surroundings& around, const std::vector<Source>& datasets,
                                   std::size_t labels) {
  std::uint64_t rows = 0;
  for (const Source& source : datasets) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(source.path));
    rows += std::uint64_t(reader->rows());
  }
  const std::uint64_t bytes = rows * labels * SeveralAnswers::kBytesEach;
  if (bytes > around.memory / 2) {
    const auto mebibytes = [](std::uint64_t n) { return std::to_string((n >> 20U) + 1) + " MiB"; };
    return Invalid("labels: the answers to " + std::to_string(labels) + " labels of " +
                   std::to_string(rows) + " rows take " + mebibytes(bytes) +
                   ", more than half of the memory (" + mebibytes(around.memory) +
                   "); give the step more, sample the rows with query, or train some of the labels "
                   "in another step");
  }
  Surroundings beside = around;
  beside.memory -= bytes;
  return beside;
}

bool HoldsNullWord(const sdk::TypedColumn& column) {
  for (std::int64_t r = 0; r < column.array->length(); ++r) {
    const sdk::Cell cell = CellAt(column, r);
    const auto* text = std::get_if<std::string_view>(&cell);
    if (text != nullptr &&
        std::find(sdk::kNullTexts.begin(), sdk::kNullTexts.end(), *text) != sdk::kNullTexts.end()) {
      return true;
    }
  }
  return false;
}

// A word for null ("NA") that stands in rows of one label only is a category to its model and a
// null to the others', which take it where the input may be null: together they take each row that
// one of them is judged by.
Result<void> TakeNullWords(Inputs& inputs) {
  std::vector<std::string> texts;
  for (const auto& column : inputs.recipe.inputs) {
    if (column.type == sdk::ColumnType::kString && !column.nullable) texts.push_back(column.name);
  }
  if (texts.empty()) return {};
  std::set<std::string> holding;
  for (const Source& source : inputs.sources) {
    auto read =
        sdk::ForEachBatch(source.path, texts, [&](const arrow::RecordBatch& batch) -> Result<void> {
          for (const std::string& name : texts) {
            if (holding.contains(name)) continue;
            PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, name));
            if (HoldsNullWord(column)) holding.insert(name);
          }
          return {};
        });
    if (!read) return Wrap("dataset " + source.name, read.error());
  }
  for (auto& column : inputs.recipe.inputs) column.nullable |= holding.contains(column.name);
  return {};
}

}  // namespace

Result<void> TrainSeveral(sdk::Step& step, const TrainOptions& options,
                          const std::vector<std::string>& labels, const Surroundings& outside) {
  PENSTOCK_TRY(sdk::CheckLabels(labels));
  TrainOptions all = options;
  if (all.name.empty()) all.name = JoinedName(labels);
  PENSTOCK_ASSIGN(auto inputs, ReadInputs(step, all, labels));
  PENSTOCK_ASSIGN(auto answers, SeveralAnswers::Make(inputs.sources, labels));
  if (inputs.predictions) PENSTOCK_TRY(answers.CheckColumns());
  PENSTOCK_ASSIGN(const auto around, BesideAnswers(outside, inputs.sources, labels.size()));
  PENSTOCK_TRY(TakeNullWords(inputs));
  PENSTOCK_TRY(ChooseForAll(labels, all, around, inputs));
  for (const std::string& label : labels) {  // before the first is learnt, which may take hours
    PENSTOCK_ASSIGN(const auto own, OptionsOf(label, all));
    auto looked = LookAtLabel(own, inputs, around, As::kOneOfSeveral);
    if (!looked) return Wrap("label '" + label + "'", looked.error());
  }
  Together together(step, all, inputs, labels, std::move(answers));
  const double begin = all.max_time ? around.seconds() : 0;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    around.Say("label", {{"what", "label " + std::to_string(k + 1) + " of " +
                                      std::to_string(labels.size()) + ": '" + labels[k] + "'"}});
    PENSTOCK_ASSIGN(auto own, OptionsOf(labels[k], all));
    if (all.max_time) {
      const double left = std::max(0.0, *all.max_time - (around.seconds() - begin));
      own.max_time = left / double(labels.size() - k);
    }
    auto training = LearnOneLabel(own, inputs, around, ParametersOf(labels[k], step.parameters()),
                                  As::kOneOfSeveral);
    if (!training) return Wrap("label '" + labels[k] + "'", training.error());
    auto added = together.Add(**training);
    if (!added) return Wrap("label '" + labels[k] + "'", added.error());
  }
  return together.Write();
}

Result<void> TrainLabels(sdk::Step& step, const Surroundings& around) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto train, step.InputPath("train"));
  PENSTOCK_ASSIGN(const auto labels, sdk::LabelColumns(options.label, options.labels, train));
  return labels.size() > 1 ? TrainSeveral(step, options, labels, around) : Train(step, around);
}

}  // namespace penstock::train
