#include "operator/plan/rollout/server_evidence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "operator/plan/rollout/gate.h"

namespace penstock::rollout {
namespace {

struct Worst {
  std::string column;
  double index = 0;
  std::int64_t rows = 0;  // of the servers that were measured
  std::string error;
};

std::string Of(const char* whose) { return std::string("the ") + whose + " version's servers "; }

// Weights add up over the servers of a version, column by column.
Worst WorstOf(const std::vector<ServerFact>& servers, std::int64_t version, const char* whose) {
  Worst worst;
  std::int64_t most = 0;
  bool told = false;
  std::map<std::string, std::pair<double, double>> columns;  // sum of rows * index, of rows
  for (const ServerFact& s : servers) {
    if (s.version != version) continue;
    told |= !s.drift.empty();
    most = std::max(most, s.drift_rows);
    if (s.drift_rows < kLeastDriftRows) continue;
    const auto rows = static_cast<double>(s.drift_rows);
    bool any = false;
    for (const auto& [column, index] : s.drift) {
      if (!std::isfinite(index) || index < 0) continue;
      any = true;
      columns[column].first += rows * index;
      columns[column].second += rows;
    }
    if (any) worst.rows += s.drift_rows;
  }
  for (const auto& [column, sums] : columns) {
    const double index = sums.first / sums.second;
    if (!worst.column.empty() && index <= worst.index) continue;
    worst.column = column;
    worst.index = index;
  }
  if (!worst.column.empty()) return worst;
  worst.error = !told ? Of(whose) +
                            "tell no drift: could not be asked, or their model's folder has "
                            "no statistics of its training"
                      : Of(whose) + "have " + std::to_string(most) + " of the " +
                            std::to_string(kLeastDriftRows) + " rows that an index needs";
  return worst;
}

std::string Text(const Worst& worst) {
  return worst.column + " " + DecimalText(worst.index) + " of " + std::to_string(worst.rows) +
         " rows";
}

}  // namespace

bool IsOfQueue(const api::GateSpec& gate) { return gate.metric.starts_with("queue"); }
bool IsOfCompute(const api::GateSpec& gate) { return gate.metric.starts_with("compute"); }

bool NeedsServers(const api::GateSpec& gate) {
  return IsOfQueue(gate) || IsOfCompute(gate) || gate.metric == api::kDrift;
}

bool NeedServers(const std::vector<api::GateSpec>& gates) {
  return std::any_of(gates.begin(), gates.end(), NeedsServers);
}

std::vector<RouterFact> AsRouters(const std::vector<ServerFact>& servers) {
  std::vector<RouterFact> routers;
  for (const ServerFact& s : servers) {
    RouterFact& router = routers.emplace_back();
    router.pod = s.pod;  // no run: what falls began again
    router.latency_bounds = s.answered_bounds;
    router.versions = {s.answered};
    router.versions[0].version = s.version;
  }
  return routers;
}

Measurement MeasureDrift(const api::GateSpec& gate, const std::vector<ServerFact>& servers,
                         std::int64_t stable, std::int64_t candidate, TimePoint now) {
  Measurement m{gate.Name(), now, {}, false, ""};
  m.version = candidate;
  const Worst mine = WorstOf(servers, candidate, "new");
  const Worst theirs = WorstOf(servers, stable, "stable");
  m.error = mine.error;
  const bool relative = !gate.max_ratio_to_stable.empty();
  if (m.error.empty() && relative) m.error = theirs.error;
  if (!m.error.empty()) return m;
  m.samples = mine.rows;
  m.message = "most in " + Text(mine);
  m.message += theirs.error.empty() ? "; the stable version's most in " + Text(theirs) : "";
  m.value = relative ? mine.index / std::max(theirs.index, kLeastDrift) : mine.index;
  m.good = *m.value <= NumberOf(relative ? gate.max_ratio_to_stable : gate.max);
  return m;
}

}  // namespace penstock::rollout
