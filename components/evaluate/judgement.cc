#include "components/evaluate/judgement.h"

#include <algorithm>

#include "components/evaluate/importance.h"
#include "components/evaluate/rows.h"
#include "components/evaluate/slices.h"
#include "components/evaluate/sql_metric.h"
#include "components/sdk/dataset.h"
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

}  // namespace

Result<Judgement> JudgeModel(const std::string& model, const std::string& dataset,
                             const Options& options, const std::string& scratch,
                             OnUnlabelled on_unlabelled) {
  PENSTOCK_ASSIGN(const auto served, LoadServed(model));
  const bool regression = served.manifest.task == sdk::ModelTask::kRegression;
  if (!regression && (options.measure.within || options.measure.within_percent)) {
    return Invalid("within and withinPercent are of a regression; this model does classification");
  }
  Judgement j;
  PENSTOCK_ASSIGN(j.scored, Score(served, dataset, nullptr, options.on_refused, on_unlabelled));
  if (options.threshold) j.scored.manifest.threshold = *options.threshold;
  PENSTOCK_TRY(Weigh(dataset, options.weight, &j.scored));
  PENSTOCK_ASSIGN(const auto slices, LoadSlicesOf(dataset, options.slices, j.scored));

  j.lines = LinesOf(j.scored, MainMetric(j.scored.manifest));
  j.lines.person = options.person;
  j.lines.required = options.required;
  j.metrics = MeasureScored(j.scored, options.measure);
  PENSTOCK_ASSIGN(auto own, SqlMetrics(j.scored, dataset, options.sql_metrics, scratch));
  j.metrics.merge(own);
  j.calibration = CalibrationOf(j.scored, options.measure.confidence);
  if (!regression) j.metrics["expectedCalibrationError"] = j.calibration.error;
  j.report = Report(j.scored, slices, options.min_slice_rows, j.lines, options.measure, j.metrics);
  j.report["weighted"] = !j.scored.weights.empty();
  j.report["calibration"] = ToJson(j.calibration);
  AddRefused(j.scored.refused, &j.report);
  PENSTOCK_ASSIGN(j.fairness, MeasureFairness(dataset, j.scored, options));
  for (const auto& of : j.fairness) j.report["fairness"].push_back(ToJson(of));
  j.losses = RowLosses(j.scored);
  if (options.worst_depth > 0) {
    PENSTOCK_ASSIGN(j.report["worstSlices"], SearchWorst(dataset, j.scored, options, j.losses));
  }
  if (options.importance_repeats > 0) {
    const ImportanceOptions importance = {j.lines.metric, options.importance_repeats, 5000,
                                          options.seed, options.measure.confidence};
    PENSTOCK_ASSIGN(const auto of, ImportanceOf(served, j.scored, dataset, importance));
    j.report["importance"] = ToJson(of);
  }
  return j;
}

Result<void> AddJudgement(const std::string& dataset, const Judgement& j, sdk::Page* page) {
  constexpr std::size_t kShown = 50;
  PENSTOCK_ASSIGN(const auto worst,
                  ShowRows(dataset, j.scored, j.losses, WorstRows(j.losses, kShown)));
  PENSTOCK_ASSIGN(const auto spread,
                  ShowRows(dataset, j.scored, j.losses, SpreadRows(j.losses.size(), kShown)));
  AddEvaluation(j.scored, j.report, j.calibration, worst, spread, page);
  return {};
}

}  // namespace penstock::evaluate
