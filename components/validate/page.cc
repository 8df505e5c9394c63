// The page of a validation: the verdict, what is wrong and where, what was compared, what to do.
#include "components/sdk/page/page.h"

#include "components/validate/report.h"

namespace penstock::validate {
namespace {

using sdk::NumberText;
using sdk::Page;

std::string NumberOr(const std::optional<double>& value) { return value ? NumberText(*value) : ""; }

void AddAnomalies(const Report& report, Page& page) {
  page.Heading("Anomalies");
  if (report.anomalies.empty()) {
    page.Text("None.");
    return;
  }
  sdk::PageTable table{
      {"severity", "type", "column", "rule", "what", "what to do", "rows", "measured", "allowed"},
      {},
      6};
  for (const auto& a : report.anomalies) {
    table.rows.push_back({Name(a.severity), a.type, a.column, a.rule, a.description, a.advice,
                          a.count > 0 ? std::to_string(a.count) : "", NumberOr(a.measured),
                          NumberOr(a.threshold)});
  }
  page.Table(table);
}

void AddExamples(const Report& report, Page& page) {
  sdk::PageTable table{{"type", "column", "value", "row"}, {}, 3};
  for (const auto& a : report.anomalies) {
    for (const auto& example : a.examples) {
      table.rows.push_back(
          {a.type, a.rule.empty() ? a.column : a.rule, example.value, std::to_string(example.row)});
    }
  }
  if (table.rows.empty()) return;
  page.Heading("Examples");
  page.Text("Rows are counted from 0. Of what looks personal only the form is shown.");
  page.Table(table);
}

void AddMeasurements(const Report& report, Page& page) {
  if (report.measurements.empty()) return;
  page.Heading("Compared");
  sdk::PageTable table{{"column", "against", "measure", "differs most", "value", "allowed"}, {}, 4};
  for (const auto& m : report.measurements) {
    table.rows.push_back(
        {m.column, m.against, m.measure, m.where, NumberText(m.value), NumberText(m.threshold)});
  }
  page.Table(table);
}

void AddPersonal(const Report& report, Page& page) {
  page.Heading("Personal data");
  if (report.personal.empty()) {
    page.Text("None of the kinds that were looked for was found in the sampled rows.");
    return;
  }
  sdk::PageTable table{{"column", "kinds"}, {}, 2};
  for (const auto& [column, kinds] : report.personal) {
    std::string text;
    for (const auto& kind : kinds) text += (text.empty() ? "" : ", ") + kind;
    table.rows.push_back({column, text});
  }
  page.Table(table);
}

}  // namespace

std::string PageHtml(const Report& report) {
  Page page("Validation");
  page.Text(std::string(report.Passes() ? "Pass" : "Fail") + ": " + report.Reason() + ".");
  page.Text(std::to_string(report.rows) + " rows; " + std::to_string(report.quarantined) +
            " were set aside.");
  AddAnomalies(report, page);
  AddExamples(report, page);
  AddMeasurements(report, page);
  AddPersonal(report, page);
  if (!report.notes.empty()) {
    page.Heading("Not looked at");
    for (const auto& note : report.notes) page.Text(note);
  }
  return page.Html();
}

}  // namespace penstock::validate
