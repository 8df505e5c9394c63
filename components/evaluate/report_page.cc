#include "components/evaluate/report_page.h"

#include <algorithm>

#include "components/sdk/metrics.h"
#include "components/sdk/page/page.h"

namespace penstock::evaluate {
namespace {

using sdk::NumberText;
using sdk::Page;

std::string Plain(const Json& value) {
  if (value.is_number()) return NumberText(value.get<double>());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// A value of a slice; a text that reads as null stands in quotes.
std::string SliceValue(const Json& value) { return value == "null" ? "\"null\"" : Plain(value); }

std::string IntervalText(const Json& metric) {
  if (!metric.contains("low")) return "";
  return NumberText(metric["low"]) + " to " + NumberText(metric["high"]);
}

void AddMetrics(const Json& report, Page& page) {
  page.Heading("Metrics");
  sdk::PageTable table{{"metric", "value", "interval", "rows", "not defined, as"}, {}, 1};
  for (const auto& [name, metric] : report["overall"].items()) {
    const bool defined = metric["defined"];
    table.rows.push_back({name, defined ? NumberText(metric["value"]) : "not defined",
                          IntervalText(metric), Plain(metric["rows"]), metric.value("why", "")});
  }
  page.Table(table);
  sdk::PageTable lines{{"line", report["lines"].value("metric", "")}, {}, 1};
  for (const char* name : {"ceiling", "required", "person", "dummy"}) {
    if (report["lines"].contains(name)) {
      lines.rows.push_back({name, NumberText(report["lines"][name])});
    }
  }
  page.Table(lines);
}

void AddRefused(const Json& report, Page& page) {
  if (!report.contains("refusedRows")) return;
  page.Heading("Rows that a server refuses");
  page.Text(Plain(report["refused"]) + " rows are left out of everything here.");
  sdk::PageTable table{{"row", "column", "reason"}, {}, 3};
  for (const auto& row : report["refusedRows"]) {
    table.rows.push_back({Plain(row["row"]), row["column"], row["reason"]});
  }
  page.Table(table);
}

void AddConfusion(const Scored& scored, const Json& report, Page& page) {
  if (!report.contains("confusion")) return;
  page.Heading("Confusion matrix");
  std::vector<std::string> classes;
  for (const auto& value : scored.manifest.classes) classes.push_back(SliceValue(value));
  page.Confusion(classes,
                 report["confusion"]["counts"].get<std::vector<std::vector<std::int64_t>>>());
}

// ROC and precision by recall; of several classes one against the rest.
void AddCurves(const Scored& scored, Page& page) {
  const auto& m = scored.manifest;
  if (m.task != sdk::ModelTask::kClassification) return;
  const std::size_t width = m.RawWidth();
  sdk::LineChart roc{"ROC", "false positive rate", "true positive rate",
                     {},    std::pair(0.0, 1.0),   std::pair(0.0, 1.0),
                     true};
  sdk::LineChart pr{"Precision and recall", "recall", "precision", {}, std::pair(0.0, 1.0),
                    std::pair(0.0, 1.0),    false};
  const std::size_t curves = width == 1 ? 1 : std::min(width, sdk::kPageSeries);
  for (std::size_t c = 0; c < curves; ++c) {
    const std::size_t of = width == 1 ? 1 : c;
    std::vector<float> scores(scored.labels.size());
    std::vector<std::uint8_t> positive(scores.size());
    for (std::size_t r = 0; r < scores.size(); ++r) {
      scores[r] = scored.raw[r * width + c];
      positive[r] = std::size_t(scored.labels[r]) == of;
    }
    const auto ranked = sdk::Ranked(scores, positive, scored.weights);
    const auto& all = ranked.back();
    sdk::PageSeries rates{SliceValue(m.classes[of]), {{0, 0}}};
    sdk::PageSeries precisions{rates.name, {}};
    for (const auto& point : ranked) {
      if (all.positives > 0 && all.negatives > 0) {
        rates.points.emplace_back(point.negatives / all.negatives, point.positives / all.positives);
      }
      if (all.positives > 0 && point.positives + point.negatives > 0) {
        precisions.points.emplace_back(point.positives / all.positives,
                                       point.positives / (point.positives + point.negatives));
      }
    }
    roc.series.push_back(std::move(rates));
    pr.series.push_back(std::move(precisions));
  }
  page.Heading("Ranking");
  page.Chart(roc);
  page.Chart(pr);
  if (curves < width) {
    page.Text("The first " + std::to_string(curves) + " of " + std::to_string(width) +
              " classes, each against the rest.");
  }
}

std::string LineText(const CalibrationLine& line) {
  return NumberText(line.value) + " (" + NumberText(line.interval.low) + " to " +
         NumberText(line.interval.high) + ")";
}

void AddCalibration(const Calibration& calibration, Page& page) {
  page.Heading("Calibration");
  sdk::LineChart chart{"Calibration", calibration.of, "what came true", {}, {}, {}, true};
  sdk::PageTable table{{calibration.of, "what came true", "interval", "rows"}, {}, 0};
  auto& series = chart.series.emplace_back();
  series.name = "bins";
  for (const auto& bin : calibration.bins) {
    series.points.emplace_back(bin.answered, bin.actual);
    table.rows.push_back({NumberText(bin.answered), NumberText(bin.actual),
                          NumberText(bin.low) + " to " + NumberText(bin.high),
                          std::to_string(bin.rows)});
  }
  if (calibration.of != "answer") chart.x_range = chart.y_range = std::pair(0.0, 1.0);
  page.Chart(chart);
  page.Table(table);
  if (calibration.slope && calibration.intercept) {
    page.Text("Slope " + LineText(*calibration.slope) + ", 1 is right; intercept " +
              LineText(*calibration.intercept) + ", 0 is right.");
  }
}

void AddSlices(const Json& report, Page& page) {
  if (report["slices"].empty()) return;
  page.Heading("Slices");
  const std::string main = report["lines"].value("metric", "");
  sdk::PageTable table{{"column", "value", main, "interval", "rows"}, {}, 2};
  const auto joined = [](const Json& value) {
    if (!value.is_array()) return SliceValue(value);
    std::string text;
    for (const auto& part : value) text += (text.empty() ? "" : " x ") + SliceValue(part);
    return text;
  };
  for (const auto& slice : report["slices"]) {
    const Json& metric = slice["metrics"][main];
    table.rows.push_back({joined(slice["column"]), joined(slice["value"]),
                          metric["defined"] ? NumberText(metric["value"]) : "not defined",
                          IntervalText(metric), Plain(slice["rows"])});
  }
  page.Table(table);
}

void AddFairness(const Json& report, Page& page) {
  if (!report.contains("fairness")) return;
  page.Heading("Fairness");
  page.Text("Null, and groups of fewer rows than minSliceRows, are in no gap.");
  sdk::PageTable gaps{
      {"column", "positive class", "criterion", "more", "less", "gap", "interval"}, {}, 5};
  sdk::PageTable groups{{"column", "group", "positive class", "decided positive",
                         "true positive rate", "false positive rate", "rows"},
                        {},
                        3};
  const auto number = [](const Json& v) { return v.is_null() ? "not defined" : NumberText(v); };
  for (const auto& of : report["fairness"]) {
    for (const auto& [criterion, gap] : of["gaps"].items()) {
      const bool defined = !gap["value"].is_null();
      gaps.rows.push_back({of["column"], of["positive"], criterion,
                           defined ? SliceValue(gap["most"]) : gap.value("why", ""),
                           defined ? SliceValue(gap["least"]) : "", number(gap["value"]),
                           IntervalText(gap)});
    }
    for (const auto& g : of["groups"]) {
      groups.rows.push_back({of["column"], SliceValue(g["value"]), of["positive"],
                             number(g["selection"]), number(g["truePositive"]),
                             number(g["falsePositive"]),
                             Plain(g["rows"]) + (g["small"].get<bool>() ? " (too few)" : "")});
    }
  }
  page.Table(gaps);
  page.Table(groups);
}

std::string ConditionText(const Json& where) {
  const std::string column = Plain(where["column"]);
  if (!where["value"].is_object()) return column + " = " + SliceValue(where["value"]);
  const Json& range = where["value"];
  const bool closed = range.contains("to");
  return column + " from " + Plain(range["from"]) + (closed ? " to " : " to below ") +
         Plain(range[closed ? "to" : "below"]);
}

void AddWorstSlices(const Json& report, Page& page) {
  if (!report.contains("worstSlices")) return;
  const Json& worst = report["worstSlices"];
  page.Heading("Worst slices");
  page.Text(Plain(worst["lookedAt"]) +
            " slices were looked at; the p-values are corrected for that. Loss: " +
            Plain(worst["loss"]) + ".");
  sdk::PageTable table{{"slice", "loss", "loss elsewhere", "rows", "p-value"}, {}, 1};
  for (const auto& slice : worst["found"]) {
    std::string where;
    for (const auto& condition : slice["where"]) {
      where += (where.empty() ? "" : " and ") + ConditionText(condition);
    }
    table.rows.push_back({where, NumberText(slice["meanLoss"]), NumberText(slice["elsewhere"]),
                          Plain(slice["rows"]), NumberText(slice["pValue"])});
  }
  if (table.rows.empty()) {
    page.Text("None is worse than the rest beyond chance.");
  } else {
    page.Table(table);
  }
}

void AddImportance(const Json& report, Page& page) {
  if (!report.contains("importance")) return;
  const Json& importance = report["importance"];
  page.Heading("Importance of the inputs");
  if (importance.contains("why")) {
    page.Text("Not measured, as " + Plain(importance["why"]) + ".");
    return;
  }
  sdk::BarChart chart{
      "How much worse " + Plain(importance["metric"]) + " is with one input shuffled",
      "drop of " + Plain(importance["metric"]),
      {}};
  for (const auto& input : importance["inputs"]) {
    chart.bars.push_back(
        {input["column"], input["drop"], std::pair<double, double>(input["low"], input["high"])});
  }
  page.Chart(chart);
}

void AddRows(const std::string& heading, const Scored& scored, const std::vector<ShownRow>& rows,
             Page& page) {
  page.Heading(heading);
  sdk::PageTable table{{"row", "label", "answer", "loss"}, {}, 3};
  for (const auto& input : scored.manifest.inputs) table.columns.push_back(input.name);
  for (const auto& row : rows) {
    auto& cells = table.rows.emplace_back();
    cells = {std::to_string(row.row), row.label, row.answer, NumberText(row.loss)};
    cells.insert(cells.end(), row.inputs.begin(), row.inputs.end());
  }
  page.Table(table);
}

}  // namespace

sdk::Page PageOf(const Scored& scored) {
  return Page("Evaluation of " + (scored.manifest.name.empty() ? "a model" : scored.manifest.name));
}

void AddEvaluation(const Scored& scored, const Json& report, const Calibration& calibration,
                   const std::vector<ShownRow>& worst, const std::vector<ShownRow>& spread,
                   sdk::Page* to) {
  Page& page = *to;
  page.Text("Label '" + scored.manifest.label + "', " + std::to_string(scored.labels.size()) +
            " rows; intervals of " + NumberText(100 * report["confidence"].get<double>()) + " %.");
  AddRefused(report, page);
  AddMetrics(report, page);
  AddConfusion(scored, report, page);
  AddCurves(scored, page);
  AddCalibration(calibration, page);
  AddSlices(report, page);
  AddFairness(report, page);
  AddWorstSlices(report, page);
  AddImportance(report, page);
  AddRows("The worst rows", scored, worst, page);
  AddRows("Rows spread evenly", scored, spread, page);
}

void AddAllLabels(const Json& report, sdk::Page* page) {
  page->Text("Over all labels, " + Plain(report["rows"]) + " rows; intervals of " +
             NumberText(100 * report["confidence"].get<double>()) + " %.");
  AddMetrics(report, *page);
}

}  // namespace penstock::evaluate
