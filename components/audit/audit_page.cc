#include "components/audit/audit_page.h"

#include <algorithm>

#include "components/sdk/page/page.h"

namespace penstock::audit {
namespace {

void Verdict(const Audited& audited, const Json& report, sdk::Page* page) {
  page->Text(report.value("summary", ""));
  sdk::PageTable table;
  table.columns = {"severity", "check", "where", "what"};
  table.texts = 4;
  for (const Severity s : {Severity::kError, Severity::kWarning, Severity::kInfo}) {
    for (const auto& f : audited.findings.all()) {
      if (f.severity == s) table.rows.push_back({Name(s), f.check, f.where, f.message});
    }
  }
  if (!table.rows.empty()) page->Table(table);
  for (const auto& [check, count] : audited.findings.left_out()) {
    page->Text("Of " + check + " " + std::to_string(count) + " more are not listed.");
  }
}

// A sentence is longer than a cell may be: each error and warning once more in full.
void Sentences(const Audited& audited, sdk::Page* page) {
  constexpr std::size_t kMostSentences = 50;
  std::size_t said = 0;
  for (const Severity s : {Severity::kError, Severity::kWarning}) {
    for (const auto& f : audited.findings.all()) {
      if (f.severity != s || f.message.size() <= sdk::kPageCharacters) continue;
      if (said++ == 0) page->Heading("In full");
      if (said <= kMostSentences) page->Text(std::string(Name(s)) + ": " + f.message);
    }
  }
}

void Strengths(const Json& report, sdk::Page* page) {
  if (!report.contains("strengths") || report["strengths"].empty()) return;
  sdk::BarChart chart;
  chart.title = "What each feature alone tells of the label";
  chart.x = report["strengths"][0]["measure"] == "auc" ? "AUC" : "R2";
  for (const auto& s : report["strengths"]) {
    if (chart.bars.size() == 40) break;
    const auto number = [&](const char* key) { return s[key].get<double>(); };
    chart.bars.push_back({s["column"], number("value"), {{number("low"), number("high")}}});
  }
  page->Heading("Features");
  page->Chart(chart);
}

void Overlaps(const Json& report, sdk::Page* page) {
  const Json duplicates = report.value("duplicates", Json::object());
  if (!duplicates.contains("overlaps") || duplicates["overlaps"].empty()) return;
  sdk::PageTable table;
  table.columns = {"rows of", "that stand in", "rows", "such as"};
  table.texts = 2;
  for (const auto& o : duplicates["overlaps"]) {
    table.rows.push_back({o["of"], o["with"], o["rows"].dump(), o["firstRows"].dump()});
  }
  page->Heading("Equal rows");
  page->Table(table);
}

void Groups(const Json& report, sdk::Page* page) {
  for (const auto& bias : report.value("labelBias", Json::array())) {
    sdk::BarChart chart;
    chart.title = "The label by " + bias["column"].get<std::string>();
    chart.x = bias.contains("class") ? "share of " + bias["class"].get<std::string>() : "mean";
    for (const auto& g : bias["groups"]) {
      chart.bars.push_back({g["value"],
                            g["rate"].get<double>(),
                            {{g["low"].get<double>(), g["high"].get<double>()}}});
    }
    page->Heading(chart.title);
    page->Chart(chart);
  }
}

void Issues(const Json& report, sdk::Page* page) {
  const Json issues = report.value("labelIssues", Json::object());
  if (!issues.contains("shown")) return;
  sdk::PageTable table;
  table.columns = {"dataset", "label", "likely", "row", "probability of the label"};
  table.texts = 3;
  for (const auto& i : issues["shown"]) {
    table.rows.push_back({i["dataset"], i["label"], i["likely"], i["row"].dump(),
                          sdk::NumberText(i["quality"].get<double>())});
  }
  page->Heading("Labels that are likely wrong");
  page->Table(table);
}

void Agreements(const Json& report, sdk::Page* page) {
  if (!report.contains("agreement")) return;
  sdk::PageTable table;
  table.columns = {"measure", "of", "value", "low", "high", "items"};
  table.texts = 2;
  for (const auto& a : report["agreement"]) {
    table.rows.push_back({a["measure"], a.value("labellers", "all"),
                          sdk::NumberText(a["value"].get<double>()),
                          sdk::NumberText(a["low"].get<double>()),
                          sdk::NumberText(a["high"].get<double>()), a["items"].dump()});
  }
  page->Heading("Agreement of those who label");
  page->Table(table);
}

}  // namespace

std::string AuditPage(const Audited& audited, const Json& report) {
  sdk::Page page("Audit");
  Verdict(audited, report, &page);
  Sentences(audited, &page);
  Strengths(report, &page);
  Overlaps(report, &page);
  Groups(report, &page);
  Issues(report, &page);
  Agreements(report, &page);
  return page.Html();
}

}  // namespace penstock::audit
