#include "components/drift/run.h"

#include <cstdio>
#include <optional>

#include "components/drift/compare.h"
#include "components/drift/report.h"
#include "components/sdk/schema.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

// What a result may hold: of a long list its beginning, and the report has the whole.
Json Shortened(const char* name, const std::vector<std::string>& list) {
  constexpr std::size_t kMostBytes = 4000;
  Json kept = Json::array();
  std::size_t bytes = 0;
  for (const std::string& text : list) {
    bytes += text.size() + 4;
    if (bytes > kMostBytes) {
      std::printf("drift: the result %s has the first %zu of %zu; the report has all\n", name,
                  kept.size(), list.size());
      break;
    }
    kept.push_back(text);
  }
  return kept;
}

void Say(const Comparison& comparison) {
  for (const auto& said : comparison.pairing.changed) {
    std::printf("drift: %s: %s\n", said.column.c_str(), said.why.c_str());
  }
  for (const auto& name : comparison.pairing.missing) {
    std::printf("drift: %s: current does not have it\n", name.c_str());
  }
  for (const auto& said : comparison.pairing.skipped) {
    std::printf("drift: %s: not compared: %s\n", said.column.c_str(), said.why.c_str());
  }
  for (const ColumnDrift& column : comparison.columns) {
    if (!column.drifted) continue;
    std::printf(
        "drift: %s has drifted: %s %.4g (by chance %.4g), most %s %s: %.4g before, %.4g "
        "now\n",
        column.name.c_str(), Name(column.statistic), column.value, column.chance,
        column.up_to ? "up to" : "at", column.at.c_str(), column.shares[0], column.shares[1]);
  }
  if (comparison.domain_drifted) {
    std::printf("drift: all columns together tell current from reference: AUC %.4g\n",
                comparison.domain.auc);
  }
}

Result<void> WriteResults(const sdk::Step& step, const Comparison& comparison) {
  const auto drifted = comparison.Drifted();
  const ColumnDrift* worst = comparison.Worst();
  PENSTOCK_TRY(step.WriteResult("verdict", comparison.IsDrift() ? "drift" : "stable"));
  PENSTOCK_TRY(step.WriteResult("drifted", Shortened("drifted", drifted)));
  PENSTOCK_TRY(step.WriteResult("count", drifted.size()));
  PENSTOCK_TRY(step.WriteResult("worst", worst == nullptr ? "" : worst->name));
  PENSTOCK_TRY(step.WriteResult("worstEffect", worst == nullptr ? 0.0 : worst->effect));
  PENSTOCK_TRY(step.WriteResult("missing", Shortened("missing", comparison.pairing.missing)));
  PENSTOCK_TRY(step.WriteResult("auc", comparison.domain.auc));
  return step.WriteResult("driftedSlices", Shortened("driftedSlices", DriftedSlices(comparison)));
}

}  // namespace

Result<void> RunDrift(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto reference, step.InputPath("reference"));
  PENSTOCK_ASSIGN(const auto current, step.InputPath("current"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("drift"));
  std::optional<sdk::Schema> roles;
  if (step.HasInput("schema")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("schema"));
    PENSTOCK_ASSIGN(roles, sdk::LoadSchema(path));
  }
  PENSTOCK_ASSIGN(const auto comparison,
                  Compare(reference, current, roles ? &*roles : nullptr, options));
  PENSTOCK_TRY(WriteFileAtomically(output, ReportJson(comparison, options).dump(1) + "\n"));
  if (step.HasOutput("page")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("page"));
    PENSTOCK_TRY(WriteFileAtomically(page, ReportPage(comparison, options)));
  }
  Say(comparison);
  return WriteResults(step, comparison);
}

}  // namespace penstock::drift
