#include "components/drift/run.h"

#include <cstdio>
#include <optional>

#include "components/drift/compare.h"
#include "components/drift/report.h"
#include "components/drift/stored.h"
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
  for (const auto& said : comparison.unlike_schema) {
    std::printf("drift: %s: unlike the schema: %s\n", said.column.c_str(), said.why.c_str());
  }
  for (const auto& said : comparison.overruled) {
    std::printf("drift: %s: %s\n", said.column.c_str(), said.why.c_str());
  }
  for (const ColumnDrift& column : comparison.columns) {
    if (!column.drifted) continue;
    std::printf(
        "drift: %s has drifted: %s %.4g (by chance %.4g), most %s %s: %.4g before, %.4g "
        "now\n",
        column.name.c_str(), Name(column.statistic), column.value, column.chance,
        column.up_to ? "up to" : "at", column.at.c_str(), column.shares[0], column.shares[1]);
  }
  for (const ColumnDrift& column : comparison.columns) {
    if (!column.undecided) continue;
    std::printf(
        "drift: %s: the statistics leave it open: %s is from %.4g to %.4g, the floor is %.4g "
        "beyond chance; compare the datasets\n",
        column.name.c_str(), Name(column.statistic), column.value,
        column.at_most.value_or(column.value), column.floor);
  }
  if (comparison.domain_drifted) {
    std::printf("drift: all columns together tell current from reference: AUC %.4g\n",
                comparison.domain.auc);
  }
}

// The rows of a side, or its statistics.
Result<Source> SourceOf(const sdk::Step& step, const char* rows, const char* statistics) {
  if (step.HasInput(rows) == step.HasInput(statistics)) {
    return Invalid(std::string("drift: give one of the inputs ") + rows + " (a dataset) and " +
                   statistics + (step.HasInput(rows) ? ", not both" : ""));
  }
  const bool is_statistics = step.HasInput(statistics);
  PENSTOCK_ASSIGN(const auto path, step.InputPath(is_statistics ? statistics : rows));
  return Source{path, is_statistics};
}

void Say(const Weighed& weighed) {
  if (!weighed.differ) {
    std::printf("drift: weighted: the sides are not told apart, so all rows weigh 1\n");
    return;
  }
  std::printf("drift: weighted: %lld rows count as %.4g; mean weight %.4g, %lld cut at the most\n",
              static_cast<long long>(weighed.rows), weighed.effective_rows, weighed.mean,
              static_cast<long long>(weighed.cut));
}

Result<void> WriteResults(const sdk::Step& step, const Comparison& comparison) {
  const auto drifted = comparison.Drifted();
  const ColumnDrift* worst = comparison.Worst();
  PENSTOCK_TRY(step.WriteResult("verdict", comparison.Verdict()));
  PENSTOCK_TRY(step.WriteResult("drifted", Shortened("drifted", drifted)));
  PENSTOCK_TRY(step.WriteResult("count", drifted.size()));
  PENSTOCK_TRY(step.WriteResult("undecided", Shortened("undecided", comparison.Undecided())));
  PENSTOCK_TRY(step.WriteResult("worst", comparison.WorstName()));
  // All that the manifest declares is written: a step that reads one is to run.
  PENSTOCK_TRY(step.WriteResult("worstEffect", worst == nullptr ? 1.0 : worst->effect));
  std::vector<std::string> not_compared;
  for (const auto& said : comparison.pairing.skipped) not_compared.push_back(said.column);
  PENSTOCK_TRY(step.WriteResult("notCompared", Shortened("notCompared", not_compared)));
  std::vector<std::string> unlike;
  for (const auto& said : comparison.unlike_schema) unlike.push_back(said.column);
  PENSTOCK_TRY(step.WriteResult("unlikeSchema", Shortened("unlikeSchema", unlike)));
  PENSTOCK_TRY(step.WriteResult("missing", Shortened("missing", comparison.pairing.missing)));
  const bool classified = comparison.classified && comparison.domain.why_not.empty();
  PENSTOCK_TRY(step.WriteResult("auc", classified ? comparison.domain.auc : 0.5));
  return step.WriteResult("driftedSlices", Shortened("driftedSlices", DriftedSlices(comparison)));
}

}  // namespace

Result<void> RunDrift(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto reference, SourceOf(step, "reference", "referenceStatistics"));
  PENSTOCK_ASSIGN(const auto current, SourceOf(step, "current", "currentStatistics"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("drift"));
  std::optional<sdk::Schema> asked;
  if (step.HasInput("schema")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("schema"));
    PENSTOCK_ASSIGN(asked, sdk::LoadSchema(path));
  }
  const sdk::Schema* const given = asked ? &*asked : nullptr;
  const bool stored = reference.is_statistics || current.is_statistics;
  if (options.weigh && (stored || !options.classifier)) {
    return Invalid(
        "parameter weigh: needs the rows of both sides and the classifier; give the datasets and "
        "classifier: true, or weigh: false");
  }
  Weigher weigher(options);
  PENSTOCK_ASSIGN(const auto comparison, stored
                                             ? CompareStored(reference, current, given, options)
                                             : Compare(reference.path, current.path, given, options,
                                                       options.weigh ? &weigher : nullptr));
  Weighed weighed;
  if (options.weigh) {
    PENSTOCK_ASSIGN(const auto folder, step.OutputPath("weighted"));
    PENSTOCK_ASSIGN(weighed, weigher.Write(reference.path, folder));
    Say(weighed);
  }
  PENSTOCK_TRY(WriteFileAtomically(output, ReportJson(comparison, options).dump(1) + "\n"));
  if (step.HasOutput("page")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("page"));
    PENSTOCK_TRY(WriteFileAtomically(page, ReportPage(comparison, options)));
  }
  Say(comparison);
  PENSTOCK_TRY(step.WriteResult("effectiveRows", options.weigh ? weighed.effective_rows : 0.0));
  return WriteResults(step, comparison);
}

}  // namespace penstock::drift
