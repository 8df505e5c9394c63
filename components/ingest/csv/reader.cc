#include "components/ingest/csv/reader.h"

#include <arrow/api.h>

#include <algorithm>
#include <set>

#include "components/ingest/csv/head.h"
#include "components/ingest/csv/pass.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

// The types are right after the second reading; a third refuses what only all values refuse.
constexpr int kMostPasses = 5;

Error UnknownColumn(const std::string& parameter, const std::string& name, const CsvHead& head) {
  std::string list;
  for (const auto& n : head.names) list += (list.empty() ? "" : ", ") + n;
  return Invalid("parameter " + parameter + ": there is no column '" + name + "'; there are " +
                 list);
}

Result<void> CheckNames(const std::vector<CsvColumn>& columns, const CsvHead& head) {
  const std::string line = "CSV line " + std::to_string(head.first_line - 1) + ": ";
  std::set<std::string> seen;
  for (const auto& column : columns) {
    if (column.name.empty()) {
      return Invalid(line + "column " + std::to_string(column.field + 1) +
                     " has no name; name those to read by the parameter columns");
    }
    const auto times = std::count(head.names.begin(), head.names.end(), column.name);
    if (times > 1 || !seen.insert(column.name).second) {
      return Invalid(line + "column '" + column.name + "' stands twice");
    }
  }
  return {};
}

Result<std::vector<CsvColumn>> ChosenColumns(const CsvHead& head, const CsvOptions& options) {
  std::vector<CsvColumn> columns;
  const auto add = [&](std::size_t field) {
    CsvColumn column{head.names[field], field,   CsvType::kString,
                     std::nullopt,      nullptr, head.seen[field]};
    if (const auto told = options.types.find(column.name); told != options.types.end()) {
      column.told = told->second;
      if (const auto made = options.made.find(column.name); made != options.made.end()) {
        column.made = made->second;
      }
      // Of what a told type makes of values, not of their looks.
      column.seen &= told->second == sdk::ColumnType::kTimestamp ? kSeenZoned : 0;
    }
    columns.push_back(std::move(column));
  };
  for (const auto& name : options.columns) {
    const auto found = std::find(head.names.begin(), head.names.end(), name);
    if (found == head.names.end()) return UnknownColumn("columns", name, head);
    add(std::size_t(found - head.names.begin()));
  }
  for (const auto& [name, type] : options.types) {
    if (std::find(head.names.begin(), head.names.end(), name) == head.names.end()) {
      return UnknownColumn("types", name, head);
    }
  }
  if (options.columns.empty()) {
    for (std::size_t field = 0; field < head.names.size(); ++field) add(field);
  }
  PENSTOCK_TRY(CheckNames(columns, head));
  return columns;
}

// Sets the types by what was seen. Did that change anything?
bool Decide(CsvPlan& plan) {
  std::vector<Seen> seen;
  for (const auto& column : plan.columns) seen.push_back(column.seen);
  const char decimal = SeeDecimal(seen, plan.rules.values);
  bool changed = decimal != plan.rules.dialect.decimal;
  plan.rules.dialect.decimal = decimal;
  for (auto& column : plan.columns) {
    const CsvType type = TypeOf(column, decimal);
    changed = changed || type != column.type;
    column.type = type;
  }
  return changed;
}

bool HasAllNames(const CsvHead& head, const CsvOptions& options) {
  const auto has = [&](const std::string& name) {
    return std::find(head.names.begin(), head.names.end(), name) != head.names.end();
  };
  return std::all_of(options.columns.begin(), options.columns.end(), has) &&
         std::all_of(options.types.begin(), options.types.end(),
                     [&](const auto& type) { return has(type.first); });
}

Result<CsvPlan> PlanOf(const OpenStream& open, const CsvOptions& options,
                       const DialectHints& hints) {
  const NullWords nulls(options.null_values);
  PENSTOCK_ASSIGN(auto head, ReadCsvHead(open, hints, {nulls}));
  if (!hints.header && !head.dialect.header && !HasAllNames(head, options)) {
    // Somebody knows names: so there are some.
    DialectHints named = hints;
    named.header = true;
    PENSTOCK_ASSIGN(head, ReadCsvHead(open, named, {nulls}));
  }
  CsvPlan plan{{head.dialect, RulesOf(nulls, hints, head.dialect), false},
               head.names,
               {},
               head.skip,
               head.first_line,
               !hints.backslash && !head.dialect.backslash};
  PENSTOCK_ASSIGN(plan.columns, ChosenColumns(head, options));
  Decide(plan);
  return plan;
}

CsvReport ReportOf(const CsvPlan& plan, const PassEnd& end) {
  CsvReport report{plan.rules.dialect, end.bad_rows, end.note, {}};
  for (std::size_t c = 0; c < plan.columns.size(); ++c) {
    if ((end.seen[c] & ~kSeenNull) == 0) report.empty_columns.push_back(plan.columns[c].name);
  }
  return report;
}

}  // namespace

Result<CsvReport> ReadCsv(const OpenStream& open, const CsvOptions& options,
                          const OnSchema& on_schema, const OnBatch& on_batch,
                          const OnBadRow& on_bad_row) {
  DialectHints hints = options.dialect;
  PENSTOCK_ASSIGN(auto plan, PlanOf(open, options, hints));
  for (int passes = 0; passes < kMostPasses; ++passes) {
    PENSTOCK_TRY(on_schema(SchemaOf(plan)));
    PENSTOCK_ASSIGN(const auto end, RunPass(open, options, plan, on_batch, on_bad_row));
    if (end.escape_is_backslash) {
      hints.backslash = true;
      PENSTOCK_ASSIGN(plan, PlanOf(open, options, hints));
      continue;
    }
    // What the first records showed was seen again, or they held bad rows.
    for (std::size_t c = 0; c < end.seen.size(); ++c) plan.columns[c].seen = end.seen[c];
    const char decimal = plan.rules.dialect.decimal;
    const bool refuses =
        !plan.rules.all_seen && std::any_of(plan.columns.begin(), plan.columns.end(),
                                            [&](const auto& c) { return Contradicts(c, decimal); });
    if (!Decide(plan) && !refuses) return ReportOf(plan, end);
    plan.rules.all_seen = true;
  }
  return Internal("CSV: the columns' types do not settle; set the parameter types");
}

}  // namespace penstock::ingest
