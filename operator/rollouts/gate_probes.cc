#include "operator/rollouts/gate_probes.h"

#include <utility>

#include "operator/plan/rollout/server_evidence.h"
#include "operator/rollouts/servers_measure.h"
#include "operator/rollouts/signature_measure.h"
#include "operator/sources/as_seen_in.h"

namespace penstock::rollouts {

GateProbes::GateProbes(GateProbeOptions options, const Clock& clock,
                       std::function<void(const std::string& key, Milliseconds after)> wake)
    : options_(std::move(options)), clock_(clock), wake_(std::move(wake)) {}

std::vector<rollout::Measurement> GateProbes::Take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto it = asked_.find(key);
  if (it == asked_.end()) return {};
  auto measured = std::exchange(it->second.measured, {});
  if (it->second.under_way.empty()) asked_.erase(it);
  return measured;
}

void GateProbes::Ask(const std::string& ns, const std::string& key, const api::GateSpec& gate,
                     const Servers& servers, std::int64_t version, const std::string& mark) {
  {
    const std::lock_guard lock(mutex_);
    if (!asked_[key].under_way.insert(gate.Name()).second) return;
  }
  options_.submit(ns, [this, ns, key, gate, servers, version, mark] {
    Measure(ns, key, gate, servers, version, mark);
  });
}

void GateProbes::Measure(const std::string& ns, const std::string& key, const api::GateSpec& gate,
                         const Servers& servers, std::int64_t version, const std::string& mark) {
  rollout::Measurement m;
  m.gate = gate.Name();
  m.version = version;
  m.mark = mark;
  m.error = "it was not measured";
  if (servers) m.pod = servers->candidate.pod;
  struct End {  // also where it throws, which the pool tells
    GateProbes& probes;
    const std::string& key;
    rollout::Measurement& m;
    ~End() {
      m.time = probes.clock_.Now();
      {
        const std::lock_guard lock(probes.mutex_);
        const auto it = probes.asked_.find(key);
        if (it == probes.asked_.end() || it->second.under_way.erase(m.gate) == 0) return;
        it->second.measured.push_back(std::move(m));
      }
      probes.wake_(key, Milliseconds(0));
    }
  } end{*this, key, m};
  if (gate.Name() == rollout::kServersCheck && servers) {
    ServersMeasure all = MeasureServers(*servers, Asking());
    m.pod.clear();
    m.servers = std::move(all.servers);
    m.error = std::move(all.error);
    return;
  }
  GateMeasure measure = servers ? MeasureCheck(ns, gate, *servers) : MeasureElsewhere(ns, gate);
  m.good = measure.good;
  m.value = measure.value;
  m.error = std::move(measure.error);
  m.message = std::move(measure.message);
  m.samples = measure.samples;
}

AskServer GateProbes::Asking() const {
  if (options_.ask_server) return options_.ask_server;
  return [this](const rollout::ServerAddress& server, const ServerRequest& request) {
    return AskOverHttp(server, request, options_.stop);
  };
}

GateMeasure GateProbes::MeasureCheck(const std::string& ns, const api::GateSpec& gate,
                                     const rollout::ServersToAsk& servers) const {
  const AskServer ask = Asking();
  if (!gate.rows) return MeasureSignature(servers, ask);
  const auto text = options_.read_rows ? options_.read_rows(ns, *gate.rows)
                                       : Result<std::string>(Transient("nothing reads rows here"));
  if (!text) return {false, {}, text.error().message};
  return MeasureRows(*gate.rows, *text, servers, {ask, clock_, options_.stop});
}

GateMeasure GateProbes::MeasureElsewhere(const std::string& ns, api::GateSpec gate) const {
  if (!options_.local) {
    if (gate.prometheus) gate.prometheus->url = sources::AsSeenIn(ns, gate.prometheus->url);
    if (gate.http) gate.http->url = sources::AsSeenIn(ns, gate.http->url);
  }
  GateMeasureOptions how{options_.may_ask, options_.stop};
  if (!how.may_ask && !options_.local)
    how.may_ask = [](const std::string& host, const std::string& address) {
      return net::AddressPolicy({}).Check(host, address);
    };
  return MeasureGate(gate, how);
}

void GateProbes::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  asked_.erase(key);
}

}  // namespace penstock::rollouts
