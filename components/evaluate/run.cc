#include "components/evaluate/run.h"

#include <cstdio>

#include "components/evaluate/judgement.h"
#include "components/evaluate/options.h"
#include "components/evaluate/several.h"
#include "components/model_format/label_models.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

Result<void> WriteResults(const sdk::Step& step, const Lines& lines, const sdk::Metrics& metrics,
                          std::size_t rows, std::int64_t refused,
                          const std::vector<Fairness>& fairness) {
  const sdk::Metric& main = metrics.at(lines.metric);
  std::printf("%s\n", Describe(lines, main).c_str());
  PENSTOCK_TRY(step.WriteResult("metric", lines.metric));
  PENSTOCK_TRY(step.WriteResult("defined", main.defined()));
  PENSTOCK_TRY(step.WriteResult("value", main.defined() ? main.value : sdk::WorstOf(lines.metric)));
  PENSTOCK_TRY(step.WriteResult("lines", ToJson(lines)));
  PENSTOCK_TRY(step.WriteResult("refused", refused));
  PENSTOCK_TRY(step.WriteResult("fairness", FairnessValues(fairness)));
  Json values = ValuesOf(metrics);
  values["rows"] = rows;
  return step.WriteResult("metrics", values);
}

Result<void> WriteReport(const std::string& path, const Json& report) {
  return WriteFileAtomically(path,
                             report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<void> EvaluateSeveral(const sdk::Step& step, const std::string& model,
                             const sdk::LabelsManifest& labels, const std::string& dataset,
                             const Options& options, const std::string& output) {
  PENSTOCK_ASSIGN(const auto all,
                  JudgeSeveral(model, labels, dataset, options, output + ".scratch"));
  PENSTOCK_TRY(WriteReport(output, all.report));
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("report"));
    PENSTOCK_TRY(WriteFileAtomically(page, all.page.Html()));
  }
  return WriteResults(step, all.lines, all.metrics, all.rows, all.refused, all.fairness);
}

}  // namespace

Result<void> RunEvaluate(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("metrics"));
  PENSTOCK_ASSIGN(const auto labels, sdk::LoadLabelsManifest(model));
  if (labels) return EvaluateSeveral(step, model, *labels, dataset, options, output);
  PENSTOCK_ASSIGN(const auto judged, JudgeModel(model, dataset, options, output + ".scratch"));
  PENSTOCK_TRY(WriteReport(output, judged.report));
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("report"));
    sdk::Page page = PageOf(judged.scored);
    PENSTOCK_TRY(AddJudgement(dataset, judged, &page));
    PENSTOCK_TRY(WriteFileAtomically(path, page.Html()));
  }
  return WriteResults(step, judged.lines, judged.metrics, judged.scored.labels.size(),
                      judged.scored.refused.count, judged.fairness);
}

}  // namespace penstock::evaluate
