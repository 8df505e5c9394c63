#include "operator/plan/rollout/evidence.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "operator/plan/rollout/gate.h"
#include "operator/plan/rollout/server_evidence.h"

namespace penstock::rollout {
namespace {

constexpr std::size_t kMostKinds = 64;  // of client errors, so that paths cannot fill memory

std::int64_t Rise(std::int64_t now, std::int64_t before) {
  return std::max<std::int64_t>(now - before, 0);
}

// Sums that went on where there are more values; others are of a router that lost them.
void Raise(ShiftSums& sum, const ShiftSums& now, const ShiftSums& before) {
  sum.overflown |= now.overflown;
  sum.lost_rows += Rise(now.lost_rows, before.lost_rows);
  if (now.values <= before.values || now.rows < before.rows) return;
  sum.rows += now.rows - before.rows;
  sum.values += now.values - before.values;
  sum.absolute_differences += std::max(0.0, now.absolute_differences - before.absolute_differences);
  sum.squared_differences += std::max(0.0, now.squared_differences - before.squared_differences);
  sum.overflown |=
      !std::isfinite(sum.absolute_differences) || !std::isfinite(sum.squared_differences);
}

// A server that began again under its pod's name: of a router its run says so.
bool Fell(const VersionCounters& now, const VersionCounters& before) {
  return now.requests < before.requests || now.server_errors < before.server_errors ||
         now.timeouts < before.timeouts ||
         (now.latency.size() == before.latency.size() &&
          !std::equal(now.latency.begin(), now.latency.end(), before.latency.begin(),
                      std::greater_equal<>()));
}

// What came since `before`.
void Raise(Counts& sum, const VersionCounters& now, const VersionCounters& before) {
  sum.requests += Rise(now.requests, before.requests);
  sum.server_errors += Rise(now.server_errors, before.server_errors);
  sum.timeouts += Rise(now.timeouts, before.timeouts);
  sum.compared += Rise(now.compared, before.compared);
  sum.flips += Rise(now.flips, before.flips);
  Raise(sum.shift, now.shift, before.shift);
  for (const auto& [kind, n] : now.client_errors) {
    const auto was = before.client_errors.find(kind);
    const std::int64_t more = Rise(n, was == before.client_errors.end() ? 0 : was->second);
    const bool room = sum.client_errors.size() < kMostKinds || sum.client_errors.contains(kind);
    if (more > 0) sum.client_errors[room ? kind : "other"] += more;
  }
}

// Everything that a verdict depends on.
std::string TextOf(const api::GateSpec& g) {
  std::string text = g.Name() + '\n' + g.metric + '\n' + g.max + '\n' + g.max_ratio_to_stable +
                     '\n' + g.max_difference_to_stable;
  if (g.prometheus)
    text += '\n' + g.prometheus->url + '\n' + g.prometheus->query + '\n' + g.prometheus->min +
            '\n' + g.prometheus->max;
  if (g.http)
    text += '\n' + g.http->url + '\n' + std::to_string(g.http->status) + '\n' + g.http->contains;
  if (g.rows)
    text += '\n' + g.rows->config_map + '\n' + g.rows->key + '\n' + g.rows->tolerance + '\n' +
            std::to_string(static_cast<int>(g.rows->expect)) + '\n' +
            std::to_string(g.rows->max_mismatches);
  return text;
}

}  // namespace

std::int64_t Counts::ClientErrors() const {
  std::int64_t sum = 0;
  for (const auto& [kind, n] : client_errors) sum += n;
  return sum;
}

void Evidence::Begin(const StepKey& step, const std::vector<api::GateSpec>& gates,
                     const std::vector<std::string>& checks) {
  std::vector<std::string> texts = checks;
  for (const auto& g : gates) texts.push_back(TextOf(g));
  if (step == step_ && texts == gates_) return;
  // What routers said last stays: their next words count from there.
  std::map<std::string, Seen> routers;
  std::map<std::string, ServerFact> servers;
  if (step.stable == step_.stable && step.candidate == step_.candidate) {
    routers.swap(routers_);
    servers.swap(servers_);
  }
  *this = {};
  routers_ = std::move(routers);
  servers_ = std::move(servers);
  step_ = step;
  gates_ = std::move(texts);
  const std::string versions =
      '\n' + std::to_string(step.stable) + ' ' + std::to_string(step.candidate);
  for (const auto& g : gates) {
    if (!g.max_ratio_to_stable.empty() && g.metric != api::kDrift)
      Of(g).Compare(g.Name(), QuantileOf(g.metric), NumberOf(g.max_ratio_to_stable));
    if (g.IsAsked() || g.rows || g.metric == api::kDrift)
      asked_[g.Name()].mark = TextOf(g) + versions;
  }
  for (const std::string& check : checks) asked_[check].mark = check + versions;
}

void Evidence::Look(const std::vector<RouterFact>& routers, TimePoint now) {
  for (const RouterFact& r : routers) LookAt(r);
  latency_.CloseSlice(now);
}

void Evidence::LookAt(const std::vector<ServerFact>& servers, TimePoint now) {
  for (const ServerFact& s : servers) {
    const bool candidate = s.version == step_.candidate;
    if (!candidate && s.version != step_.stable) continue;
    const auto before = servers_.find(s.pod);
    if (before != servers_.end() && before->second.version == s.version) {
      queue_.Add(s.bounds, candidate, s.queue, before->second.queue);
      compute_.Add(s.bounds, candidate, s.compute, before->second.compute);
    }
    servers_[s.pod] = s;
  }
  queue_.CloseSlice(now);
  compute_.CloseSlice(now);
}

void Evidence::LookAt(const RouterFact& router) {
  if (router.ejected == step_.candidate && router.ejected != 0)
    ejected_ = "router " + router.pod + ": " + router.ejected_why;
  const auto known = routers_.find(router.pod);
  const bool first = known == routers_.end();
  Seen& seen = routers_[router.pod];
  // One that began again counts from zero, and so does what it says.
  if (!first && seen.run != router.run) seen.versions.clear();
  seen.run = router.run;
  for (const VersionCounters& now : router.versions) {
    const bool candidate = now.version == step_.candidate;
    VersionCounters& before = seen.versions[now.version];
    if (router.run.empty() && Fell(now, before)) before = {};
    if (!first && (candidate || now.version == step_.stable)) {
      Raise(candidate ? candidate_ : stable_, now, before);
      latency_.Add(router.latency_bounds, candidate, now.latency, before.latency);
    }
    before = now;
  }
}

void Evidence::Add(const Measurement& m) {
  const auto it = asked_.find(m.gate);
  if (it == asked_.end()) return;
  if (m.version != 0 && m.version != step_.candidate) return;  // of one that is gone
  Asked& a = it->second;
  if (!m.mark.empty() && m.mark != a.mark) return;  // the gate or a version is another by now
  a.time = m.time;
  a.error = m.error;
  if (!m.servers.empty()) LookAt(m.servers, m.time);
  if (!m.error.empty()) return;
  a.message = m.message;
  a.samples = m.samples;
  ++a.measured;
  a.good = m.good;
  a.value = m.value;
  a.bad_in_a_row = m.good ? 0 : a.bad_in_a_row + 1;
}

const Times& Evidence::TimesOf(const api::GateSpec& gate) const {
  return IsOfQueue(gate) ? queue_ : IsOfCompute(gate) ? compute_ : latency_;
}

Times& Evidence::Of(const api::GateSpec& gate) {
  return IsOfQueue(gate) ? queue_ : IsOfCompute(gate) ? compute_ : latency_;
}

const Asked* Evidence::AskedBy(const std::string& gate) const {
  const auto it = asked_.find(gate);
  return it == asked_.end() ? nullptr : &it->second;
}

}  // namespace penstock::rollout
