#include "components/evaluate/run.h"

#include <algorithm>
#include <cstdio>

#include "components/evaluate/calibration.h"
#include "components/evaluate/evaluation.h"
#include "components/evaluate/fairness.h"
#include "components/evaluate/importance.h"
#include "components/evaluate/options.h"
#include "components/evaluate/report_page.h"
#include "components/evaluate/rows.h"
#include "components/evaluate/slices.h"
#include "components/evaluate/sql_metric.h"
#include "components/sdk/dataset.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

Result<void> Weigh(const std::string& dataset, const std::string& named, Scored* scored) {
  std::string column = named;
  if (column.empty()) {
    PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
    if (schema.Of(sdk::Role::kWeight).empty()) return {};
    PENSTOCK_ASSIGN(column, sdk::TheColumnOf(schema, sdk::Role::kWeight));
  }
  return LoadWeights(dataset, column, scored);
}

// What the search may combine: the model's inputs, what is sliced by, and what is protected.
Result<std::vector<std::string>> SearchedColumns(const std::string& dataset, const Scored& scored,
                                                 const Options& options) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name == scored.manifest.label) return;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& input : scored.manifest.inputs) add(input.name);
  for (const auto& columns : options.slices) std::for_each(columns.begin(), columns.end(), add);
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
  for (const auto& name : schema.Of(sdk::Role::kProtected)) add(name);
  return names;
}

// At most so many rows, evenly spread, that the search takes some seconds and some 300 MB.
std::vector<std::uint32_t> SearchedRows(std::size_t rows, std::size_t columns) {
  constexpr std::size_t kMostRows = 100'000;
  constexpr std::size_t kMostValues = 20'000'000;
  return SpreadRows(rows, std::min(kMostRows, kMostValues / std::max<std::size_t>(1, columns)));
}

Result<Json> SearchWorst(const std::string& dataset, const Scored& scored, const Options& options,
                         const std::vector<double>& losses) {
  PENSTOCK_ASSIGN(const auto names, SearchedColumns(dataset, scored, options));
  const auto rows = SearchedRows(losses.size(), names.size());
  PENSTOCK_ASSIGN(const auto columns, LoadSearchColumns(dataset, names, scored, rows));
  std::vector<double> of_rows;
  for (const std::uint32_t r : rows) of_rows.push_back(losses[r]);
  SearchOptions search;
  search.depth = options.worst_depth;
  search.min_rows = options.min_slice_rows;
  search.significance = 1 - options.measure.confidence;
  const Search result = WorstSlices(columns, of_rows, search);
  const bool regression = scored.manifest.task == sdk::ModelTask::kRegression;
  Json report = {{"loss", regression ? "squared error" : "logLoss"},
                 {"rows", rows.size()},
                 {"lookedAt", result.looked_at},
                 {"found", Json::array()}};
  for (const auto& slice : result.found) {
    Json where = Json::array();
    for (const auto& w : slice.where) {
      where.push_back(
          {{"column", columns[w.column].name}, {"value", columns[w.column].values[w.value]}});
    }
    report["found"].push_back({{"where", std::move(where)},
                               {"rows", slice.rows.size()},
                               {"meanLoss", slice.loss},
                               {"elsewhere", slice.elsewhere},
                               {"pValue", slice.p_value}});
  }
  return report;
}

// Of the columns that were named, and of those with the role protected.
Result<std::vector<Fairness>> MeasureFairness(const std::string& dataset, const Scored& scored,
                                              const Options& options) {
  std::vector<std::string> columns = options.fairness;
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(dataset));
  for (const auto& name : schema.Of(sdk::Role::kProtected)) {
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  }
  FairnessOptions fairness;
  fairness.min_rows = options.min_slice_rows;
  fairness.confidence = options.measure.confidence;
  std::vector<Fairness> all;
  for (const auto& name : columns) {
    PENSTOCK_ASSIGN(const auto by, LoadSlicesOf(dataset, {{name}}, scored));
    for (auto& of : FairnessOf(scored, by.at(0), fairness)) all.push_back(std::move(of));
  }
  return all;
}

void AddRefused(const Refusals& refused, Json* report) {
  (*report)["refused"] = refused.count;
  if (refused.count == 0) return;
  for (const auto& row : refused.first) {
    (*report)["refusedRows"].push_back(
        {{"row", row.row}, {"column", row.column}, {"value", row.value}, {"reason", row.why}});
  }
}

Result<void> WritePage(const std::string& path, const std::string& dataset, const Scored& scored,
                       const std::vector<double>& losses, const Calibration& calibration,
                       const Json& report) {
  constexpr std::size_t kShown = 50;
  PENSTOCK_ASSIGN(const auto worst, ShowRows(dataset, scored, losses, WorstRows(losses, kShown)));
  PENSTOCK_ASSIGN(const auto spread,
                  ShowRows(dataset, scored, losses, SpreadRows(losses.size(), kShown)));
  return WriteFileAtomically(path, ReportPage(scored, report, calibration, worst, spread));
}

Result<void> WriteResults(const sdk::Step& step, const Lines& lines, const sdk::Metrics& metrics,
                          const Scored& scored, const std::vector<Fairness>& fairness) {
  const sdk::Metric& main = metrics.at(lines.metric);
  std::printf("%s\n", Describe(lines, main).c_str());
  PENSTOCK_TRY(step.WriteResult("metric", lines.metric));
  PENSTOCK_TRY(step.WriteResult("defined", main.defined()));
  PENSTOCK_TRY(step.WriteResult("value", main.defined() ? main.value : sdk::WorstOf(lines.metric)));
  PENSTOCK_TRY(step.WriteResult("lines", ToJson(lines)));
  PENSTOCK_TRY(step.WriteResult("refused", scored.refused.count));
  PENSTOCK_TRY(step.WriteResult("fairness", FairnessValues(fairness)));
  Json values = ValuesOf(metrics);
  values["rows"] = scored.labels.size();
  return step.WriteResult("metrics", values);
}

}  // namespace

Result<void> RunEvaluate(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("metrics"));
  PENSTOCK_ASSIGN(const auto served, LoadServed(model));
  const bool regression = served.manifest.task == sdk::ModelTask::kRegression;
  if (!regression && (options.measure.within || options.measure.within_percent)) {
    return Invalid("within and withinPercent are of a regression; this model does classification");
  }
  PENSTOCK_ASSIGN(auto scored, Score(served, dataset, nullptr, options.on_refused));
  if (options.threshold) scored.manifest.threshold = *options.threshold;
  PENSTOCK_TRY(Weigh(dataset, options.weight, &scored));
  PENSTOCK_ASSIGN(const auto slices, LoadSlicesOf(dataset, options.slices, scored));

  Lines lines = LinesOf(scored, MainMetric(scored.manifest));
  lines.person = options.person;
  lines.required = options.required;
  sdk::Metrics metrics = MeasureScored(scored, options.measure);
  PENSTOCK_ASSIGN(auto own, SqlMetrics(scored, dataset, options.sql_metrics, output + ".scratch"));
  metrics.merge(own);
  const Calibration calibration = CalibrationOf(scored, options.measure.confidence);
  if (!regression) metrics["expectedCalibrationError"] = calibration.error;
  Json report = Report(scored, slices, options.min_slice_rows, lines, options.measure, metrics);
  report["weighted"] = !scored.weights.empty();
  report["calibration"] = ToJson(calibration);
  AddRefused(scored.refused, &report);
  PENSTOCK_ASSIGN(const auto fairness, MeasureFairness(dataset, scored, options));
  for (const auto& of : fairness) report["fairness"].push_back(ToJson(of));
  const std::vector<double> losses = RowLosses(scored);
  if (options.worst_depth > 0) {
    PENSTOCK_ASSIGN(report["worstSlices"], SearchWorst(dataset, scored, options, losses));
  }
  if (options.importance_repeats > 0) {
    const ImportanceOptions importance = {lines.metric, options.importance_repeats, 5000,
                                          options.seed, options.measure.confidence};
    PENSTOCK_ASSIGN(const auto of, ImportanceOf(served, scored, dataset, importance));
    report["importance"] = ToJson(of);
  }
  PENSTOCK_TRY(WriteFileAtomically(
      output, report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"));
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("report"));
    PENSTOCK_TRY(WritePage(page, dataset, scored, losses, calibration, report));
  }
  return WriteResults(step, lines, metrics, scored, fairness);
}

}  // namespace penstock::evaluate
