#include "components/evaluate/run.h"

#include "components/evaluate/evaluation.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::evaluate {

Result<void> RunEvaluate(sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  const auto slice_columns = p.Strings("slices");
  const auto min_rows = p.Integer("minSliceRows", 50, 1, INT32_MAX);
  const auto threshold = p.OptionalNumber("threshold");
  if (threshold && (*threshold < 0 || *threshold > 1)) p.Fail("threshold: must be from 0 to 1");
  PENSTOCK_TRY(p.Finish());
  PENSTOCK_ASSIGN(const auto model, step.InputPath("model"));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("metrics"));

  PENSTOCK_ASSIGN(auto scored, ScoreModel(model, dataset));
  if (threshold) scored.manifest.threshold = *threshold;
  PENSTOCK_ASSIGN(const auto slices, sdk::LoadSlices(dataset, slice_columns));
  const Json report = Report(scored, slices, std::size_t(min_rows));
  PENSTOCK_TRY(WriteFileAtomically(output, report.dump(1) + "\n"));

  const std::string metric = MainMetric(scored.manifest);
  const Json& overall = report["overall"];
  if (!overall[metric].is_number()) {
    return Invalid(metric + " is not defined on " + dataset + ": all its rows are of one class");
  }
  PENSTOCK_TRY(step.WriteResult("metric", metric));
  PENSTOCK_TRY(step.WriteResult("value", overall[metric]));
  return step.WriteResult("metrics", overall);
}

}  // namespace penstock::evaluate
