#include "operator/plan/model/rollout_report.h"

#include <algorithm>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/model/model_history.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kWorthMaking{3'600'000};  // of the past

Json CountsOf(const rollout::Counts& c) {
  return {{"requests", c.requests},
          {"serverErrors", c.server_errors},
          {"timeouts", c.timeouts},
          {"clientErrors", c.client_errors},
          {"shadow",
           {{"compared", c.compared},
            {"flips", c.flips},
            {"shiftedRows", c.shift.rows},
            {"shiftedBy", c.shift.absolute_differences},
            {"lostRows", c.shift.lost_rows}}}};
}

Json TimesOf(const rollout::Evidence& e, const char* metric) {
  api::GateSpec gate;
  gate.metric = metric;
  const rollout::Times& times = e.TimesOf(gate);
  if (times.bounds().empty()) return nullptr;
  return {{"boundsInSeconds", times.bounds()},
          {"stable", times.stable()},
          {"candidate", times.candidate()}};
}

Json EvidenceOf(const rollout::Evidence* e) {
  if (e == nullptr) return nullptr;
  return {{"stable", CountsOf(e->stable())},
          {"candidate", CountsOf(e->candidate())},
          {"latency", TimesOf(*e, api::kLatencyP95)},
          {"queue", TimesOf(*e, api::kQueueP95)},
          {"compute", TimesOf(*e, api::kComputeP95)}};
}

Json JsonOf(const api::ModelDeployment& md, const api::ModelHistoryEntry& entry,
            const rollout::Evidence* evidence) {
  Json told = api::Encode(md.status);
  Json gates = Json::array();
  api::ModelDeploymentStatus one;
  one.history = {entry};
  const Json encoded = api::Encode(one)["history"][0];
  if (encoded.contains("gates")) gates = encoded["gates"];
  return {{"form", "penstock.dev/rollout-report/v1"},
          {"modelDeployment",
           {{"name", md.meta.name}, {"namespace", md.meta.namespace_}, {"uid", md.meta.uid}}},
          {"version", entry.version},
          {"digest", entry.digest},
          {"source", entry.source},
          {"outcome", entry.outcome},
          {"reason", entry.reason},
          {"time", entry.time ? Json(FormatTime(*entry.time)) : Json()},
          {"stable", told.contains("stable") ? told["stable"] : Json()},
          {"gates", std::move(gates)},
          {"evidence", EvidenceOf(evidence)},
          {"rollout", api::Encode(md.spec).value("rollout", Json::object())}};
}

// Whatever a server put into a message.
std::string Indented(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string Row(const std::vector<std::string>& cells, const char* tag = "td") {
  std::string row = "<tr>";
  for (const std::string& cell : cells)
    row += std::string("<") + tag + ">" + Escaped(cell) + "</" + tag + ">";
  return row + "</tr>\n";
}

std::string Gates(const api::ModelHistoryEntry& entry) {
  if (entry.gates.empty()) return "<p>No gate had said anything.</p>\n";
  std::string table = "<table>\n" + Row({"gate", "verdict", "value", "surely above", "surely below",
                                         "samples", "what it stands on"},
                                        "th");
  for (const auto& g : entry.gates)
    table +=
        Row({g.name, g.verdict, g.value, g.lower, g.upper, std::to_string(g.samples), g.message});
  return table + "</table>\n";
}

std::string Counted(const rollout::Evidence* evidence) {
  if (evidence == nullptr) return "";
  const rollout::Counts& s = evidence->stable();
  const rollout::Counts& c = evidence->candidate();
  const auto row = [](const char* what, std::int64_t stable, std::int64_t candidate) {
    return Row({what, std::to_string(stable), std::to_string(candidate)});
  };
  return "<h2>Since the step began</h2>\n<table>\n" +
         Row({"", "stable version", "this version"}, "th") +
         row("requests", s.requests, c.requests) +
         row("server errors", s.server_errors, c.server_errors) +
         row("time-outs", s.timeouts, c.timeouts) +
         row("refused (4xx)", s.ClientErrors(), c.ClientErrors()) + "</table>\n";
}

std::string PageOf(const api::ModelDeployment& md, const api::ModelHistoryEntry& entry,
                   const rollout::Evidence* evidence, const Json& json) {
  const std::string title = md.meta.namespace_ + "/" + md.meta.name + ", version " +
                            std::to_string(entry.version) + ": " + entry.outcome;
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<title>" +
      Escaped(title) +
      "</title>\n<style>body{font:16px sans-serif;margin:2em;max-width:70em}"
      "td,th{border:1px solid #888;padding:.3em .6em;text-align:left;vertical-align:top}"
      "table{border-collapse:collapse}pre{white-space:pre-wrap}</style></head><body>\n<h1>" +
      Escaped(title) + "</h1>\n<p><strong>" + Escaped(entry.reason) + "</strong></p>\n<table>\n" +
      Row({"model", entry.digest}) + Row({"time", entry.time ? FormatTime(*entry.time) : ""});
  if (md.status.stable)
    page += Row({"goes on", VersionText(md.status.stable->version, md.status.stable->digest)});
  page += "</table>\n<h2>Gates</h2>\n" + Gates(entry) + Counted(evidence) +
          "<h2>The rollout as it was written</h2>\n<pre>" + Escaped(Indented(json.at("rollout"))) +
          "</pre>\n</body></html>\n";
  return page;
}

bool IsReported(const api::ModelHistoryEntry& entry) {
  return entry.outcome != kPromoted && entry.to == 0 && entry.time.has_value();
}

}  // namespace

rollout::Report BuildReport(const api::ModelDeployment& md, const api::ModelHistoryEntry& entry,
                            const rollout::Evidence* evidence) {
  rollout::Report report;
  report.version = entry.version;
  report.time = entry.time.value_or(TimePoint{});
  const Json json = JsonOf(md, entry, evidence);
  report.json = Indented(json) + "\n";
  report.page = PageOf(md, entry, evidence, json);
  return report;
}

void PutReports(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  for (auto& entry : plan.status.history) {
    if (!IsReported(entry) || !entry.report.empty()) continue;
    const auto made =
        std::find_if(o.reports.begin(), o.reports.end(), [&](const rollout::MadeReport& report) {
          return report.version == entry.version && report.time == *entry.time;
        });
    if (made == o.reports.end()) continue;
    entry.report = made->digest;
    plan.events.push_back({"Normal", "RolloutReport",
                           "what version " + std::to_string(entry.version) + " was " +
                               (entry.outcome == kRejected ? "rejected" : "rolled back") +
                               " for is kept as artifact " + entry.report});
  }
  if (plan.report) return;
  const auto newest = std::find_if(plan.status.history.begin(), plan.status.history.end(),
                                   [](const auto& entry) { return IsReported(entry); });
  if (newest == plan.status.history.end() || !newest->report.empty()) return;
  if (now - *newest->time > kWorthMaking || *newest->time > now) return;
  plan.report = BuildReport(o.md, *newest, nullptr);
}

}  // namespace penstock::plan
