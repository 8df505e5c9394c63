#include "components/validate/run.h"

#include <cstdio>
#include <filesystem>

#include "components/sdk/scratch_folder.h"
#include "components/validate/inspection.h"
#include "components/validate/set_aside.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::validate {
namespace {

Result<std::string> OptionalInput(const sdk::Step& step, const char* name) {
  if (!step.HasInput(name)) return std::string();
  return step.InputPath(name);
}

Result<Sources> SourcesOf(const sdk::Step& step, std::string scratch) {
  Sources sources;
  PENSTOCK_ASSIGN(sources.dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(sources.schema, OptionalInput(step, "schema"));
  PENSTOCK_ASSIGN(sources.statistics, OptionalInput(step, "statistics"));
  PENSTOCK_ASSIGN(sources.previous, OptionalInput(step, "previous"));
  PENSTOCK_ASSIGN(sources.serving, OptionalInput(step, "serving"));
  PENSTOCK_ASSIGN(sources.allowed, OptionalInput(step, "allowed"));
  sources.scratch = std::move(scratch);
  if (!sources.statistics.empty() && !sources.previous.empty()) {
    return Invalid("inputs statistics and previous: both are of the run before; give one");
  }
  return sources;
}

Result<void> SetRowsAside(const sdk::Step& step, const Options& options, Inspection& inspection,
                          const std::string& dataset) {
  SetAsidePlan plan{.dataset = dataset,
                    .described = inspection.described(),
                    .rest = std::nullopt,
                    .quarantine = std::nullopt,
                    .broken = [&](std::int64_t row) { return inspection.BrokenBy(row); }};
  const bool passes = inspection.report().Passes();
  if (step.HasOutput("dataset") && (passes || options.on_error != OnError::kWithhold)) {
    PENSTOCK_ASSIGN(plan.rest, step.OutputPath("dataset"));
  }
  if (step.HasOutput("quarantine")) {
    PENSTOCK_ASSIGN(plan.quarantine, step.OutputPath("quarantine"));
  }
  PENSTOCK_ASSIGN(inspection.report().quarantined, Part(plan));
  return {};
}

Result<void> WriteReports(const sdk::Step& step, const Report& report) {
  if (step.HasOutput("anomalies")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("anomalies"));
    PENSTOCK_TRY(WriteFileAtomically(path, ToJson(report).dump(1) + "\n"));
  }
  if (step.HasOutput("page")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("page"));
    PENSTOCK_TRY(WriteFileAtomically(path, PageHtml(report)));
  }
  if (step.HasOutput("junit")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("junit"));
    PENSTOCK_TRY(WriteFileAtomically(path, JUnitXml(report)));
  }
  return {};
}

Result<void> WriteProposal(const sdk::Step& step, Inspection& inspection) {
  if (!step.HasOutput("proposal")) return {};
  PENSTOCK_ASSIGN(const auto path, step.OutputPath("proposal"));
  PENSTOCK_ASSIGN(const auto schema, inspection.Proposal());
  if (schema.columns.empty()) return {};  // of a dataset none of whose columns is known
  return sdk::SaveSchema(path, schema);
}

Result<void> WriteResults(const sdk::Step& step, const Report& report) {
  constexpr std::size_t kMostBytes = 1024;
  const std::string reason = plan::Shown(report.Reason(), kMostBytes);
  const bool passes = report.Passes();
  std::printf("validate: %s: %s\n", passes ? "Pass" : "Fail", reason.c_str());
  PENSTOCK_TRY(step.WriteResult("verdict", passes ? "Pass" : "Fail"));
  PENSTOCK_TRY(step.WriteResult("reason", reason));
  PENSTOCK_TRY(step.WriteResult("anomalies", {{"error", report.Count(Severity::kError)},
                                              {"warn", report.Count(Severity::kWarn)},
                                              {"info", report.Count(Severity::kInfo)}}));
  std::set<std::string> types;
  for (const auto& anomaly : report.anomalies) types.insert(anomaly.type);
  PENSTOCK_TRY(step.WriteResult("types", types));
  PENSTOCK_TRY(step.WriteResult("rows", report.rows));
  PENSTOCK_TRY(step.WriteResult("quarantined", report.quarantined));
  return step.WriteResult("personalColumns", std::int64_t(report.personal.size()));
}

}  // namespace

Result<void> RunValidate(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  // Counts against the volume of an output.
  PENSTOCK_ASSIGN(const auto quarantine, step.OutputPath("quarantine"));
  PENSTOCK_ASSIGN(const auto scratch, sdk::ScratchFolder::Create(quarantine + "/.scratch"));
  PENSTOCK_ASSIGN(const auto sources, SourcesOf(step, scratch.path()));
  PENSTOCK_ASSIGN(auto inspection, Inspection::Create(options, sources));
  PENSTOCK_TRY(inspection.Run());
  PENSTOCK_TRY(SetRowsAside(step, options, inspection, sources.dataset));
  PENSTOCK_TRY(WriteProposal(step, inspection));
  PENSTOCK_TRY(WriteReports(step, inspection.report()));
  PENSTOCK_TRY(WriteResults(step, inspection.report()));
  if (inspection.report().Passes() || options.on_error != OnError::kFail) return {};
  return Invalid("onError is Fail: " + plan::Shown(inspection.report().Reason(), 1024));
}

}  // namespace penstock::validate
