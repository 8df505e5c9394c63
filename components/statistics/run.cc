#include "components/statistics/run.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "components/sdk/dataset.h"
#include "components/sdk/schema.h"
#include "components/statistics/report_page.h"
#include "components/statistics/source.h"
#include "components/statistics/summary/collect.h"
#include "components/statistics/terminal.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

constexpr std::int64_t kMostSeed = (std::int64_t{1} << 53) - 1;
constexpr std::size_t kMostListed = 100;      // columns in a result
constexpr std::size_t kMostBytes = 8 * 1024;  // of a result: the launcher takes no more

Result<CollectOptions> ReadOptions(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  CollectOptions options;
  options.columns = p.Strings("columns");
  options.label = p.String("label", "");
  options.slices = p.Strings("slices");
  options.slice_values = std::size_t(p.Integer("sliceValues", 10, 1, 100));
  options.top = std::size_t(p.Integer("top", 100, 1, 1000));
  options.sample = std::size_t(p.Integer("sample", 20, 0, 1000));
  options.correlated = std::size_t(p.Integer("correlated", 64, 0, 256));
  options.seed = std::uint64_t(p.Integer("seed", 0, 0, kMostSeed));
  PENSTOCK_TRY(p.Finish());
  return options;
}

// The label that the step names, else that of the schema, where the columns have it.
Result<std::string> LabelOf(const sdk::Step& step, const CollectOptions& options,
                            const std::string& dataset) {
  if (!options.label.empty()) return options.label;
  sdk::Schema schema;
  if (step.HasInput("schema")) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath("schema"));
    PENSTOCK_ASSIGN(schema, sdk::LoadSchema(path));
  } else {
    PENSTOCK_ASSIGN(schema, sdk::DatasetSchema(dataset));
  }
  if (schema.Of(sdk::Role::kLabel).empty()) return std::string();
  PENSTOCK_ASSIGN(const auto label, sdk::TheColumnOf(schema, sdk::Role::kLabel));
  const bool is_read =
      options.columns.empty() ||
      std::find(options.columns.begin(), options.columns.end(), label) != options.columns.end();
  return is_read ? label : std::string();
}

// Fewer of them where they are too long for a result.
Json Shortened(Json values) {
  while (values.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMostBytes) {
    values.erase(std::prev(values.end()));
  }
  return values;
}

Result<void> WriteResults(const sdk::Step& step, const Statistics& statistics) {
  Json distinct = Json::object();
  Json nulls = Json::object();
  Json empty = Json::array();
  Json constant = Json::array();
  for (const auto& column : statistics.columns) {
    const bool has_values = column.kind != Kind::kList && column.kind != Kind::kOther;
    if (has_values && distinct.size() < kMostListed) distinct[column.name] = column.distinct;
    if (column.nulls > 0 && nulls.size() < kMostListed) {
      nulls[column.name] = double(column.nulls) / double(column.rows);
    }
    const bool none = column.nulls == column.rows;
    if (none && empty.size() < kMostListed) empty.push_back(column.name);
    const bool one = has_values && column.distinct == 1 && column.count() == column.rows;
    if (one && constant.size() < kMostListed) constant.push_back(column.name);
  }
  PENSTOCK_TRY(step.WriteResult("rows", statistics.rows));
  PENSTOCK_TRY(step.WriteResult("columns", statistics.columns.size()));
  PENSTOCK_TRY(step.WriteResult("distinct", Shortened(std::move(distinct))));
  PENSTOCK_TRY(step.WriteResult("nulls", Shortened(std::move(nulls))));
  PENSTOCK_TRY(step.WriteResult("emptyColumns", Shortened(std::move(empty))));
  return step.WriteResult("constantColumns", Shortened(std::move(constant)));
}

}  // namespace

Result<void> RunStatistics(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step));
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("statistics"));
  PENSTOCK_ASSIGN(options.label, LabelOf(step, options, dataset));
  PENSTOCK_ASSIGN(const auto statistics, CollectStatistics(dataset, options));
  PENSTOCK_TRY(SaveStatistics(output, statistics));
  if (step.HasOutput("page")) {
    PENSTOCK_ASSIGN(const auto page, step.OutputPath("page"));
    PENSTOCK_TRY(WriteFileAtomically(page, ReportPage(statistics)));
  }
  return WriteResults(step, statistics);
}

Result<void> RunLook(sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  CollectOptions options;
  options.correlated = 0;
  options.columns = p.Strings("columns");
  TerminalOptions terminal;
  terminal.width = std::size_t(p.Integer("width", 100, 20, 1000));
  terminal.rows = std::size_t(p.Integer("rows", 10, 0, 1000));
  terminal.color = p.Boolean("color", false);
  PENSTOCK_ASSIGN(const auto dataset, step.InputPath("dataset"));
  terminal.name = p.String("name", dataset);
  PENSTOCK_TRY(p.Finish());
  options.sample = terminal.rows;
  PENSTOCK_ASSIGN(const auto statistics, StatisticsOf(dataset, options));
  const std::string text = TerminalText(statistics, terminal);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return FromErrno("stdout", errno);
  }
  return {};
}

}  // namespace penstock::statistics
