// Measures what a rollout asks for, gates and checks before traffic, on another pool of threads,
// and wakes whoever asked.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/rollout.h"
#include "operator/base/time.h"
#include "operator/net/address_policy.h"
#include "operator/plan/rollout/observation.h"
#include "operator/rollouts/gate_measure.h"
#include "operator/rollouts/rows_measure.h"
#include "operator/rollouts/server_ask.h"

namespace penstock::rollouts {

struct GateProbeOptions {
  // Runs work for a namespace; may drop it at the operator's end.
  std::function<void(const std::string& ns, std::function<void()> work)> submit;
  net::AddressCheck may_ask = {};  // none: what every policy allows, or anything where `local`
  bool local = false;              // the operator runs as the user, outside any cluster
  std::stop_token stop = {};
  AskServer ask_server = {};  // none: over HTTP
  ReadRows read_rows = {};    // of gates of rows; may block
};

class GateProbes {
 public:
  // The clock must outlive it, and it the work.
  GateProbes(GateProbeOptions options, const Clock& clock,
             std::function<void(const std::string& key, Milliseconds after)> wake);

  // What came for a key ("namespace/name") since the last call.
  [[nodiscard]] std::vector<rollout::Measurement> Take(const std::string& key);
  // Measures a gate of a candidate, with its references put in, or with `servers` the check that it
  // names. One that is under way is not asked twice. `mark` comes back with the answer.
  void Ask(const std::string& ns, const std::string& key, const api::GateSpec& gate,
           const std::optional<rollout::ServersToAsk>& servers = std::nullopt,
           std::int64_t version = 0, const std::string& mark = "");
  void Forget(const std::string& key);

 private:
  struct Asked {
    std::set<std::string> under_way;  // names of gates
    std::vector<rollout::Measurement> measured;
  };
  using Servers = std::optional<rollout::ServersToAsk>;
  void Measure(const std::string& ns, const std::string& key, const api::GateSpec& gate,
               const Servers& servers, std::int64_t version, const std::string& mark);
  [[nodiscard]] GateMeasure MeasureElsewhere(const std::string& ns, api::GateSpec gate) const;
  [[nodiscard]] GateMeasure MeasureCheck(const std::string& ns, const api::GateSpec& gate,
                                         const rollout::ServersToAsk& servers) const;
  [[nodiscard]] AskServer Asking() const;

  const GateProbeOptions options_;
  const Clock& clock_;
  const std::function<void(const std::string&, Milliseconds)> wake_;
  std::mutex mutex_;
  std::map<std::string, Asked> asked_;
};

}  // namespace penstock::rollouts
