#include <cstdio>

#include "components/router/admin/observations.h"

namespace penstock::router {

namespace {

// One metric after the other, each with its samples of all versions, as the format wants it.
class Text {
 public:
  void Metric(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }
  // Names and versions need no escaping: they are DNS labels, words and numbers.
  void Sample(const std::string& labels, double value, const char* suffix = "") {
    char number[32];
    std::snprintf(number, sizeof number, "%.17g", value);
    text_ += name_ + suffix + (labels.empty() ? "" : "{" + labels + "}") + " " + number + "\n";
  }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

struct VersionRow {
  std::string labels;
  VersionTotals totals;
  ShadowStatistics::Totals shadow;
  int in_flight = 0;
  double in_flight_seconds = 0;
  int weight = 0;
};

std::vector<VersionRow> RowsOf(const LiveRoutes& routes) {
  std::vector<VersionRow> rows;
  for (const auto& view : routes.deployments) {
    for (const VersionView& version : view->versions) {
      int in_flight = 0;
      for (const auto& endpoint : version.endpoints) in_flight += endpoint->in_flight;
      rows.push_back(
          {"deployment=\"" + view->name + "\",version=\"" + std::to_string(version.version) + "\"",
           version.statistics->Totals(), version.shadow_statistics->Read(), in_flight,
           version.statistics->in_flight_seconds(), version.weight});
    }
  }
  return rows;
}

void WriteRequests(const std::vector<VersionRow>& rows, Text* text) {
  text->Metric("penstock_router_requests_total", "counter", "Requests answered, by outcome.");
  for (const VersionRow& row : rows) {
    const auto sample = [&](const char* outcome, std::int64_t count) {
      text->Sample(row.labels + ",outcome=\"" + outcome + "\"", static_cast<double>(count));
    };
    sample("ok", row.totals.ok);
    sample("client_error", row.totals.ClientErrors());
    sample("server_error", row.totals.server_errors);
    sample("timeout", row.totals.timeouts);
    sample("client_gone", row.totals.client_gone);
  }
  text->Metric("penstock_router_retries_total", "counter", "Requests sent to another endpoint.");
  for (const VersionRow& row : rows)
    text->Sample(row.labels, static_cast<double>(row.totals.retries));
  text->Metric("penstock_router_in_flight", "gauge", "Requests under way.");
  for (const VersionRow& row : rows) text->Sample(row.labels, row.in_flight);
  text->Metric("penstock_router_in_flight_seconds_total", "counter",
               "Requests under way, over time: its rate is their mean.");
  for (const VersionRow& row : rows) text->Sample(row.labels, row.in_flight_seconds);
  text->Metric("penstock_router_weight", "gauge", "Share of the requests, 0 to 1.");
  for (const VersionRow& row : rows)
    text->Sample(row.labels, static_cast<double>(row.weight) / kWhole);
}

void WriteLatency(const std::vector<VersionRow>& rows, Text* text) {
  text->Metric("penstock_router_latency_seconds", "histogram",
               "From the request sent to the head of the answer.");
  for (const VersionRow& row : rows) {
    std::int64_t below = 0;
    for (std::size_t i = 0; i < kLatencyBounds; ++i) {
      below += row.totals.latency[i];
      char bound[32];
      std::snprintf(bound, sizeof bound, "%.6g", LatencyBounds()[i]);
      text->Sample(row.labels + ",le=\"" + bound + "\"", static_cast<double>(below), "_bucket");
    }
    below += row.totals.latency[kLatencyBounds];
    text->Sample(row.labels + ",le=\"+Inf\"", static_cast<double>(below), "_bucket");
    text->Sample(row.labels, row.totals.busy_seconds, "_sum");
    text->Sample(row.labels, static_cast<double>(below), "_count");
  }
}

void WriteShadows(const std::vector<VersionRow>& rows, Text* text) {
  const auto metric = [&](const char* name, const char* help, auto value) {
    text->Metric(name, "counter", help);
    for (const VersionRow& row : rows) text->Sample(row.labels, static_cast<double>(value(row)));
  };
  metric("penstock_router_shadow_copies_total", "Requests copied to this version.",
         [](const VersionRow& row) { return row.shadow.copied; });
  metric("penstock_router_shadow_dropped_total", "Copies left out, as too many were under way.",
         [](const VersionRow& row) { return row.shadow.dropped; });
  metric("penstock_router_shadow_failed_total", "Copies without a good answer.",
         [](const VersionRow& row) { return row.shadow.failed; });
  metric("penstock_router_shadow_compared_total", "Answers compared.",
         [](const VersionRow& row) { return row.shadow.compared; });
  metric("penstock_router_shadow_flips_total", "Decisions that differ.",
         [](const VersionRow& row) { return row.shadow.sum.flips; });
}

void WriteHolding(const LiveRoutes& routes, Text* text) {
  const auto metric = [&](const char* name, const char* type, const char* help, auto value) {
    text->Metric(name, type, help);
    for (const auto& view : routes.deployments)
      text->Sample("deployment=\"" + view->name + "\"", static_cast<double>(value(*view->live)));
  };
  metric("penstock_router_held", "gauge", "Requests that wait for a server.",
         [](const LiveDeployment& live) { return live.held.load(); });
  metric("penstock_router_hold_refused_total", "counter", "Requests refused as too many wait.",
         [](const LiveDeployment& live) { return live.hold_refused.load(); });
  metric("penstock_router_hold_expired_total", "counter", "Requests that waited in vain.",
         [](const LiveDeployment& live) { return live.hold_expired.load(); });
  metric("penstock_router_refused_total", "counter", "Requests answered by the router itself.",
         [](const LiveDeployment& live) { return live.bad_requests.load(); });
  metric("penstock_router_unauthorized_total", "counter", "Of these, those without a valid token.",
         [](const LiveDeployment& live) { return live.unauthorized.load(); });
}

}  // namespace

std::string Exposition(const Router::Picture& picture) {
  Text text;
  text.Metric("penstock_router_connections", "gauge", "Connections of clients.");
  text.Sample("", picture.connections);
  text.Metric("penstock_router_connections_refused_total", "counter",
              "Connections beyond the bound.");
  text.Sample("", static_cast<double>(picture.turned_away));
  if (!picture.routes) return text.Take();
  const auto rows = RowsOf(*picture.routes);
  WriteRequests(rows, &text);
  WriteLatency(rows, &text);
  WriteShadows(rows, &text);
  WriteHolding(*picture.routes, &text);
  return text.Take();
}

}  // namespace penstock::router
