#include "components/evaluate/run.h"

#include <cstdio>

#include "components/evaluate/evaluation.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::evaluate {

Result<void> RunEvaluate(sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  const auto slice_columns = p.Strings("slices");
  const auto min_rows = p.Integer("minSliceRows", 50, 1, INT32_MAX);
  const auto threshold = p.OptionalNumber("threshold");
  const auto person = p.OptionalNumber("person");
  const auto required = p.OptionalNumber("required");
  const auto confidence = p.Number("confidence", 0.95, 0.5, 0.9999);
  if (threshold && (*threshold < 0 || *threshold > 1)) p.Fail("threshold: must be from 0 to 1");
  PENSTOCK_TRY(p.Finish());
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("metrics"));

  PENSTOCK_ASSIGN(auto scored, ScoreModel(model, dataset));
  if (threshold) scored.manifest.threshold = *threshold;
  PENSTOCK_ASSIGN(const auto slices, sdk::LoadSlices(dataset, slice_columns));
  const std::string metric = MainMetric(scored.manifest);
  Lines lines = LinesOf(scored, metric);
  lines.person = person;
  lines.required = required;
  const Json report = Report(scored, slices, std::size_t(min_rows), lines, confidence);
  PENSTOCK_TRY(WriteFileAtomically(output, report.dump(1) + "\n"));

  const auto metrics = sdk::Measure(scored.manifest, scored.raw, scored.labels);
  const sdk::Metric& main = metrics.at(metric);
  std::printf("%s\n", Describe(lines, main).c_str());
  PENSTOCK_TRY(step.WriteResult("metric", metric));
  PENSTOCK_TRY(step.WriteResult("defined", main.defined()));
  PENSTOCK_TRY(step.WriteResult("value", main.defined() ? main.value : sdk::WorstOf(metric)));
  PENSTOCK_TRY(step.WriteResult("lines", ToJson(lines)));
  Json values = ValuesOf(metrics);
  values["rows"] = scored.labels.size();
  return step.WriteResult("metrics", values);
}

}  // namespace penstock::evaluate
