#include "components/ingest/report.h"

#include <cstdio>
#include <set>
#include <sstream>

#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

std::string PackingsOf(const std::vector<SourceFile>& files) {
  std::set<std::string> names;
  for (const auto& file : files) names.insert(Name(file.packing));
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::vector<std::string> NotesOf(const Sink& sink, const sdk::Schema& schema) {
  auto notes = sink.plan().notes;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (sink.rows() == 0 || sink.null_counts()[i] < sink.rows()) continue;
    notes.push_back("column '" + plan::Shown(schema.columns[i].name, 120) +
                    "' has no value; it is kept as " + schema.columns[i].type);
  }
  return notes;
}

// A cell of a table.
std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : plan::Shown(text, 200)) {
    if (c == '|' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string Page(const Told& told, const Sink& sink, const sdk::Schema& schema,
                 const std::vector<std::string>& notes) {
  std::ostringstream out;
  out << "# " << plan::Shown(told.source, 400) << "\n\n"
      << told.format << ", compression: " << told.compression;
  if (told.parts > 1) out << ", " << told.parts << " parts";
  out << ". " << sink.rows() << " rows";
  if (sink.rows() < sink.rows_read()) out << " of " << sink.rows_read() << " (sample)";
  out << ", " << schema.columns.size() << " columns.\n\n"
      << "| column | type | role | unit | nulls |\n| --- | --- | --- | --- | ---: |\n";
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const auto& column = schema.columns[i];
    out << "| " << Cell(column.name) << " | " << column.type << " | " << Name(column.role) << " | "
        << Cell(column.unit) << " | " << sink.null_counts()[i] << " |\n";
  }
  if (!told.more.empty()) out << "\n" << plan::Shown(told.more, 1000) << "\n";
  if (!notes.empty()) out << "\n";
  for (const auto& note : notes) out << "- " << note << "\n";
  return out.str();
}

}  // namespace

Told TellFiles(const std::string& source, const std::vector<SourceFile>& files) {
  return {.source = source,
          .format = Name(files.front().format),
          .compression = PackingsOf(files),
          .parts = files.size()};
}

Result<void> WriteReport(const Told& told, const Sink& sink, const sdk::Schema& schema,
                         const sdk::Step& step) {
  const auto notes = NotesOf(sink, schema);
  for (const auto& note : notes) std::printf("%s\n", note.c_str());
  PENSTOCK_TRY(step.WriteResult("rows", sink.rows()));
  PENSTOCK_TRY(step.WriteResult("columns", schema.columns.size()));
  PENSTOCK_TRY(step.WriteResult("format", told.format));
  PENSTOCK_TRY(step.WriteResult("compression", told.compression));
  if (!step.HasOutput("report")) return {};
  PENSTOCK_ASSIGN(const auto report, step.OutputPath("report"));
  return WriteFileAtomically(report, Page(told, sink, schema, notes));
}

}  // namespace penstock::ingest
