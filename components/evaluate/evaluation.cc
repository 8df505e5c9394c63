#include "components/evaluate/evaluation.h"

#include <algorithm>
#include <numeric>

#include "components/sdk/metrics.h"
#include "components/sdk/scorer.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

std::vector<std::vector<std::uint32_t>> RowsByValue(const sdk::SliceColumn& slice) {
  std::vector<std::vector<std::uint32_t>> rows(slice.values.size());
  for (std::size_t r = 0; r < slice.codes.size(); ++r) {
    rows[slice.codes[r]].push_back(std::uint32_t(r));
  }
  return rows;
}

void AddSlices(const Scored& scored, const sdk::SliceColumn& slice, std::size_t min_rows,
               Json& report) {
  const auto rows = RowsByValue(slice);
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return rows[a].size() != rows[b].size() ? rows[a].size() > rows[b].size()
                                            : slice.values[a] < slice.values[b];
  });
  std::size_t small = 0;
  for (const std::size_t v : order) {
    if (rows[v].size() < min_rows) {
      ++small;
      continue;
    }
    report["slices"].push_back(
        {{"column", slice.name},
         {"value", slice.values[v]},
         {"metrics", ComputeMetrics(scored.manifest, scored.raw, scored.labels, rows[v])}});
  }
  report["smallSlices"][slice.name] = small;
}

}  // namespace

Result<Scored> ScoreModel(const std::string& model, const std::string& dataset) {
  PENSTOCK_ASSIGN(const auto scorer, sdk::Scorer::Load(model));
  const sdk::Label label = sdk::LabelOf(scorer.manifest());
  if (label.column.empty()) return Invalid(model + ": model.yaml names no label");
  PENSTOCK_ASSIGN(auto matrix, LoadMatrix(dataset, scorer.transform(), label));
  PENSTOCK_ASSIGN(auto raw, scorer.Score(matrix.x));
  return Scored{scorer.manifest(), std::move(raw), std::move(matrix.y)};
}

Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices,
            std::size_t min_rows) {
  Json report = {{"overall", ComputeMetrics(scored.manifest, scored.raw, scored.labels)},
                 {"slices", Json::array()},
                 {"smallSlices", Json::object()}};
  if (scored.manifest.task == sdk::ModelTask::kClassification) {
    report["confusion"] = ConfusionReport(scored.manifest, scored.raw, scored.labels);
    if (scored.manifest.IsBinary()) report["threshold"] = scored.manifest.threshold;
  }
  for (const auto& slice : slices) AddSlices(scored, slice, min_rows, report);
  return report;
}

std::string MainMetric(const sdk::ModelManifest& manifest) {
  if (manifest.task == sdk::ModelTask::kRegression) return "rmse";
  return manifest.IsBinary() ? "auc" : "accuracy";
}

}  // namespace penstock::evaluate
