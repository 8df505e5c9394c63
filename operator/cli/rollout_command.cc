// penstock rollout: shows how a new version of a model takes over, and tells it what to do. Words
// to the operator are annotations that name the version they are meant for; spec stays as it is.
#include <ostream>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/table.h"
#include "operator/kube/resources.h"
#include "operator/views/run/rollout_words.h"

namespace penstock::cli {
namespace {

Result<api::ModelDeployment> Find(const Cluster& cluster, const std::string& name) {
  auto object = cluster.client->Get(kube::kModelDeployments, cluster.namespace_, name);
  if (!object) return object.error();
  auto decoded = api::DecodeModelDeployment(*object);
  return std::move(decoded.value);
}

void Print(const Table& table, Session& session) {
  session.out << Format(table, static_cast<std::size_t>(session.width));
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

void PrintVersions(const api::ModelDeployment& md, Session& session) {
  Table table;
  table.header = {"", "VERSION", "DIGEST", "WEIGHT", "PODS", "PHASE", "STEP"};
  const auto row = [&](const char* what, const api::ModelVersionStatus& v) {
    const std::string steps = std::to_string(md.spec.rollout.steps.size());
    table.rows.push_back({what, std::to_string(v.version), v.digest.substr(0, 19), OrDash(v.weight),
                          std::to_string(v.ready_replicas) + "/" + std::to_string(v.replicas),
                          OrDash(v.phase),
                          v.step > 0 ? std::to_string(v.step) + "/" + steps : "-"});
  };
  if (md.status.stable) row("stable", *md.status.stable);
  if (md.status.candidate) row("candidate", *md.status.candidate);
  Print(table, session);
}

void PrintGates(const std::vector<api::GateStatus>& gates, Session& session) {
  if (gates.empty()) return;
  Table table;
  table.header = {"GATE", "VERDICT", "VALUE", "LOWER", "UPPER", "SAMPLES", "MESSAGE"};
  for (const auto& g : gates)
    table.rows.push_back({g.name, OrDash(g.verdict), OrDash(g.value), OrDash(g.lower),
                          OrDash(g.upper), std::to_string(g.samples), OneLine(g.message)});
  session.out << "\n";
  Print(table, session);
}

void PrintHistory(const std::vector<api::ModelHistoryEntry>& history, Session& session) {
  if (history.empty()) return;
  Table table;
  table.header = {"VERSION", "OUTCOME", "DIGEST", "TIME", "REASON"};
  for (const auto& h : history)
    table.rows.push_back({std::to_string(h.version), h.outcome, h.digest.substr(0, 19),
                          h.time ? FormatTime(*h.time) : "-", OneLine(h.reason)});
  session.out << "\n";
  Print(table, session);
}

int Show(const api::ModelDeployment& md, const RolloutOptions& options, Session& session) {
  if (options.output == "json") {
    session.out << api::Encode(md.status).dump(2) << "\n";
    return kOk;
  }
  if (!options.output.empty())
    return session.Fail(kUsage, "-o " + options.output + " is not known; there is json");
  if (const auto* ready = api::FindCondition(md.status.conditions, "Ready"))
    session.out << md.meta.name << ": " << ready->reason << ": " << OneLine(ready->message)
                << "\n\n";
  if (!md.status.stable && !md.status.candidate) {
    session.out << md.meta.name << " has no version yet\n";
    return kOk;
  }
  PrintVersions(md, session);
  if (md.status.candidate) PrintGates(md.status.candidate->gates, session);
  PrintHistory(md.status.history, session);
  return kOk;
}

}  // namespace

int Rollout(const RolloutOptions& options, Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  const auto md = Find(*cluster, options.name);
  if (!md) return session.Fail(kFailed, md.error().message);
  if (options.what == "status") return Show(*md, options, session);
  const Result<Json> words = views::RolloutWords(*md, options.what, options.to);
  if (!words) return session.Fail(kFailed, words.error().message);
  const auto done =
      cluster->client->MergePatch(kube::kModelDeployments, cluster->namespace_, options.name,
                                  {{"metadata", {{"annotations", *words}}}});
  if (!done) return session.Fail(kFailed, done.error().message);
  session.out << "modeldeployment/" << options.name;
  for (const auto& [name, value] : words->items())
    if (!value.is_null()) session.out << " " << name << "=" << value.get<std::string>();
  session.out << "\n";
  return kOk;
}

}  // namespace penstock::cli
