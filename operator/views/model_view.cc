#include "operator/api/codec.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/views/object_page.h"
#include "operator/views/object_rows.h"
#include "operator/views/run/decision.h"
#include "operator/views/run/json_out.h"

namespace penstock::views {
namespace {

Json GateRows(const std::vector<api::GateStatus>& gates) {
  Json list = Json::array();
  for (const api::GateStatus& g : gates) {
    Json row{{"name", g.name}, {"samples", g.samples}};
    Put(row, "metric", g.metric);
    Put(row, "value", g.value);
    if (!g.lower.empty() || !g.upper.empty()) row["interval"] = {g.lower, g.upper};
    Put(row, "verdict", g.verdict);
    Put(row, "message", g.message);
    list.push_back(std::move(row));
  }
  return list;
}

// What a gate was held against, as its spec says it.
std::string BoundOf(const api::GateSpec& gate) {
  if (!gate.max.empty()) return "at most " + gate.max;
  if (!gate.max_ratio_to_stable.empty())
    return "at most " + gate.max_ratio_to_stable + " times the stable version's";
  if (!gate.max_difference_to_stable.empty())
    return "at most " + gate.max_difference_to_stable + " above the stable version's";
  if (gate.prometheus) {
    const auto& p = *gate.prometheus;
    return (p.min.empty() ? "" : "at least " + p.min) +
           std::string(p.min.empty() || p.max.empty() ? "" : ", ") +
           (p.max.empty() ? "" : "at most " + p.max);
  }
  if (gate.http) return "status " + std::to_string(gate.http->status);
  return "";
}

Json VersionRow(const api::ModelVersionStatus& v, const char* role) {
  Json row{{"name", "v" + std::to_string(v.version)},
           {"version", v.version},
           {"role", role},
           {"digest", v.digest},
           {"bytes", v.bytes},
           {"replicas", v.replicas},
           {"readyReplicas", v.ready_replicas}};
  Put(row, "weight", v.weight);
  Put(row, "phase", v.phase);
  Put(row, "reason", v.message);
  Put(row, "run", v.run);
  Put(row, "source", v.source);
  Put(row, "created", v.since);
  return row;
}

Json RolloutOf(const api::ModelDeployment& md) {
  const api::ModelVersionStatus& c = *md.status.candidate;
  Json rollout{{"version", c.version},
               {"phase", c.phase},
               {"step", c.step},
               {"steps", md.spec.rollout.steps.size()},
               {"gates", GateRows(c.gates)}};
  for (Json& gate : rollout["gates"])
    for (const api::GateSpec& spec : md.spec.rollout.gates)
      if (spec.Name() == gate["name"]) Put(gate, "bound", BoundOf(spec));
  if (WhyNotToBeDecided(md).empty()) {
    const api::RolloutApproval& asked = *AskedOfPeople(md);
    rollout["approval"] = {{"need", asked.need}, {"values", Json::array()}};
    Put(rollout["approval"], "message", asked.message);
  }
  Put(rollout, "message", c.message);
  Put(rollout, "since", c.step_since);
  return rollout;
}

Json RowOfModel(const api::ModelDeployment& md) {
  Json row{{"name", md.meta.name}, {"versions", Json::array()}};
  if (md.status.stable) row["versions"].push_back(VersionRow(*md.status.stable, "stable"));
  if (md.status.candidate) {
    row["versions"].push_back(VersionRow(*md.status.candidate, "candidate"));
    row["rollout"] = RolloutOf(md);
  }
  const api::Condition* ready = api::FindCondition(md.status.conditions, "Ready");
  row["phase"] = ready == nullptr                               ? "Pending"
                 : ready->status == api::ConditionStatus::kTrue ? "Ready"
                 : md.status.candidate && !md.status.candidate->phase.empty()
                     ? md.status.candidate->phase
                     : "NotReady";
  if (ready != nullptr) {
    Put(row, "reason", ready->reason);
    Put(row, "message", ready->message);
  }
  return row;
}

Json HistoryOf(const api::ModelDeployment& md) {
  Json list = Json::array();
  for (const api::ModelHistoryEntry& h : md.status.history) {
    Json row{{"version", h.version},
             {"digest", h.digest},
             {"outcome", h.outcome},
             {"evidence", GateRows(h.gates)}};
    Put(row, "reason", h.reason);
    Put(row, "time", h.time);
    if (h.to != 0) row["to"] = h.to;
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace

Result<Json> ModelRows(const Place& place, const std::string& ns, int limit,
                       const std::string& after, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(auto objects, place.List(kube::kModelDeployments, ns, "", stop));
  return ObjectPage(std::move(objects), limit, after, [](const Json& object) {
    return RowOfModel(api::DecodeModelDeployment(object).value);
  });
}

Result<Json> ModelView(const Place& place, const std::string& ns, const std::string& name,
                       const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Json object, place.Get(kube::kModelDeployments, ns, name, stop));
  const api::ModelDeployment md = api::DecodeModelDeployment(object).value;
  Json view = RowOfModel(md);
  view["model"] = md.spec.model;
  Put(view, "url", md.status.url);
  view["history"] = HistoryOf(md);
  view["conditions"] = Json::array();
  for (const api::Condition& c : md.status.conditions)
    view["conditions"].push_back(
        {{"type", c.type},
         {"status", c.status == api::ConditionStatus::kTrue    ? "True"
                    : c.status == api::ConditionStatus::kFalse ? "False"
                                                               : "Unknown"},
         {"reason", c.reason},
         {"message", c.message},
         {"time", FormatTime(c.last_transition)}});
  return view;
}

}  // namespace penstock::views
