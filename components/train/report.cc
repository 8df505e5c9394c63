#include "components/train/report.h"

#include <cmath>

#include "components/sdk/page/page.h"

namespace penstock::train {
namespace {

constexpr std::size_t kMostConfused = 1000;  // classes whose confusion is counted; as evaluate's

Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

std::string TextOf(const std::optional<double>& value) {
  return value ? sdk::NumberText(*value) : "";
}

const BoardLine* Chosen(const Board& board) {
  for (const BoardLine& line : board.lines) {
    if (line.chosen) return &line;
  }
  return nullptr;
}

// Metrics in which each row counts by its weight; those of sdk count rows.
Json Weighted(const Table& table, const Outcome& outcome) {
  const Target& target = table.labels.target;
  const bool classes = table.labels.classification();
  Json j = Json::object();
  for (const char* metric : classes ? std::vector<const char*>{"logLoss", "accuracy", "brier"}
                                    : std::vector<const char*>{"rmse", "mae"}) {
    const HeldOutAnswers& h = outcome.held_out;
    const Score score = ScoreOf(metric, target, h.answers, h.y, h.weight);
    j[metric] = {{"value", Number(score.value)}, {"standardError", Number(score.standard_error)}};
  }
  return j;
}

std::string SettingText(const BoardLine& line) {
  std::string text;
  for (const auto& [name, value] : line.setting.items()) {
    if (name == "id") continue;
    text += (text.empty() ? "" : ", ") + name + " " +
            (value.is_number_float() ? sdk::NumberText(value.get<double>())
             : value.is_string()     ? value.get<std::string>()
                                     : value.dump());
  }
  if (line.log_target) text += std::string(text.empty() ? "" : ", ") + "log of the label";
  return text;
}

void AddBoard(const Board& board, sdk::Page& page) {
  sdk::PageTable table;
  table.texts = 3;
  table.columns = {"",     "learner", "setting",   board.metric, "standard error",
                   "rows", "behind",  "its error", "rounds"};
  const auto row = [&](const BoardLine& line) {
    const auto& score = line.nested ? line.nested : line.score;
    table.rows.push_back({line.chosen   ? "chosen"
                          : line.failed ? "failed"
                          : score       ? ""
                                        : "left out",
                          line.learner, score ? SettingText(line) : line.problem,
                          score ? sdk::NumberText(score->value) : "",
                          score ? sdk::NumberText(score->standard_error) : "",
                          line.nested ? "that did not choose it"
                          : score     ? "that chose"
                                      : "",
                          TextOf(line.behind), TextOf(line.behind_error), TextOf(line.rounds)});
  };
  for (const BoardLine* line : Ranked(board, board.lines.size())) row(*line);
  table.rows.push_back({"", "a constant", "the best constant answer of the training rows",
                        sdk::NumberText(board.dummy.value),
                        sdk::NumberText(board.dummy.standard_error), "", "", "", ""});
  page.Table(table);
}

}  // namespace

void AddMetrics(const sdk::Metrics& metrics, sdk::Page& page) {
  sdk::PageTable table;
  table.texts = 1;
  table.columns = {"metric", "value", "low", "high", "rows"};
  for (const auto& [name, metric] : metrics) {
    table.rows.push_back({name, metric.defined() ? sdk::NumberText(metric.value) : metric.why,
                          metric.interval ? sdk::NumberText(metric.interval->low) : "",
                          metric.interval ? sdk::NumberText(metric.interval->high) : "",
                          std::to_string(metric.rows)});
  }
  page.Table(table);
}

namespace {

void AddDescription(const Json& description, sdk::Page& page) {
  sdk::PageTable table;
  table.texts = 2;
  table.columns = {"what", "value"};
  for (const auto& [name, value] : description.items()) {
    if (value.is_structured()) continue;
    table.rows.push_back({name, value.is_string()         ? value.get<std::string>()
                                : value.is_number_float() ? sdk::NumberText(value.get<double>())
                                                          : value.dump()});
  }
  if (!table.rows.empty()) page.Table(table);
  const auto list = description.find("coefficients");
  if (list == description.end() || !list->is_array()) return;
  page.Text("coefficients by feature: " + list->dump());
}

Json BatchOf(const OverfitReport& batch) {
  return {{"rows", batch.rows},
          {"contradictory", batch.contradictory},
          {"firstLoss", Number(batch.first_loss)},
          {"lastLoss", Number(batch.last_loss)},
          {"learnt", batch.learnt},
          {"says", batch.says}};
}

void AddCurve(const Outcome& outcome, sdk::Page& page) {
  const LearningCurve& curve = *outcome.curve;
  page.Heading("More rows?");
  page.Text(curve.why);
  page.Text("On the rows that the model was fitted on it is " + sdk::NumberText(curve.training) +
            ": the nearer that is to the line's end, the less more rows can do.");
  sdk::PageSeries held_out{"rows held out", {}};
  for (const CurvePoint& point : curve.points)
    held_out.points.emplace_back(point.rows, point.score.value);
  sdk::LineChart chart;
  chart.title = "Learning curve";
  chart.x = "rows learnt from";
  chart.y = outcome.choice.board.metric;
  chart.series = {std::move(held_out)};
  page.Chart(chart);
}

}  // namespace

Json MetricsOf(const Table& table, const Outcome& outcome) {
  const Board& board = outcome.choice.board;
  const FoldPlan& plan = outcome.choice.plan;
  const BoardLine* chosen = Chosen(board);
  Json j = {{"dataset", plan.valid_alone ? "valid" : "outOfFold"},
            {"rows", outcome.held_out.y.size()},
            {"overall", sdk::ToJson(outcome.metrics)},
            {"choice",
             {{"metric", board.metric},
              {"learner", chosen->learner},
              {"value", Number(chosen->nested->value)},
              {"standardError", Number(chosen->nested->standard_error)},
              {"dummy", Number(board.dummy.value)},
              {"beatsDummy", board.beats_dummy},
              {"folds", plan.a_repeat},
              {"repeats", plan.repeats()}}},
            {"board", ToJson(board, board.lines.size())},
            {"model", outcome.fitted.model->Describe()},
            {"refitted", outcome.refitted},
            {"truncated", board.truncated},
            {"seed", table.options.seed},
            {"threads", table.options.threads},
            {"calibration", sdk::Name(outcome.calibration.method)},
            {"notes", outcome.notes}};
  if (outcome.batch) j["overfitOneBatch"] = BatchOf(*outcome.batch);
  if (outcome.curve) j["learningCurve"] = ToJson(*outcome.curve);
  if (!table.labels.weight.empty()) j["weighted"] = Weighted(table, outcome);
  if (outcome.manifest.IsBinary()) j["threshold"] = outcome.threshold;
  if (outcome.share < 1) {
    j["sampled"] = {
        {"rows", table.labels.rows()}, {"of", outcome.size.rows}, {"share", outcome.share}};
  }
  return j;
}

void AddTraining(const Table& table, const Outcome& outcome, sdk::Page& page) {
  const Board& board = outcome.choice.board;
  for (const std::string& note : table.labels.notes) page.Text(note);
  for (const std::string& note : outcome.notes) page.Text(note);
  page.Text(outcome.choice.plan.why);
  if (outcome.share < 1) {
    page.Text("The table does not fit into memory: " + std::to_string(table.labels.rows()) +
              " of its " + std::to_string(outcome.size.rows) +
              " rows were taken, by a hash of what they hold.");
  }
  if (board.truncated) page.Text("maxTime was over before all candidates were tried.");
  if (!board.beats_dummy) {
    page.Text("No candidate beats a constant answer: the features do not tell of the label.");
  }
  page.Heading("Candidates");
  AddBoard(board, page);
  page.Heading("The chosen model on rows that it was not fitted on");
  AddMetrics(outcome.metrics, page);
  if (outcome.manifest.task == sdk::ModelTask::kClassification &&
      outcome.manifest.classes.size() <= kMostConfused) {
    const std::vector<float> raw(outcome.held_out.answers.begin(), outcome.held_out.answers.end());
    const std::vector<float> y(outcome.held_out.y.begin(), outcome.held_out.y.end());
    std::vector<std::uint32_t> decided;
    const std::size_t width = outcome.manifest.RawWidth();
    for (std::size_t r = 0; r < y.size(); ++r) {
      decided.push_back(
          std::uint32_t(sdk::DecidedClass(outcome.manifest, {raw.data() + r * width, width})));
    }
    std::vector<std::string> names;
    for (const Json& c : outcome.manifest.classes) {
      names.push_back(c.is_string() ? c.get<std::string>() : c.dump());
    }
    page.Confusion(names, sdk::ConfusionMatrix(decided, y, names.size()));
  }
  if (outcome.curve) AddCurve(outcome, page);
  page.Heading("The model");
  page.Text(outcome.refitted ? "Fitted again on all rows with the chosen setting."
                             : "Fitted on train alone.");
  AddDescription(outcome.fitted.model->Describe(), page);
}

std::string ReportPage(const Table& table, const Outcome& outcome) {
  sdk::Page page("Training of " + table.options.name);
  AddTraining(table, outcome, page);
  return page.Html();
}

}  // namespace penstock::train
