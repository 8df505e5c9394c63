#include "operator/plan/rollout/evidence.h"

#include <algorithm>
#include <cmath>

#include "operator/plan/rollout/gate.h"

namespace penstock::rollout {
namespace {

constexpr Milliseconds kSlice{5'000};
constexpr std::int64_t kLeastInSlice = 20;  // answers of the candidate; fewer wait for more
constexpr std::size_t kMostKinds = 64;      // of client errors, so that paths cannot fill memory

std::int64_t Rise(std::int64_t now, std::int64_t before) {
  return std::max<std::int64_t>(now - before, 0);
}

void Raise(Histogram& sum, const std::vector<std::int64_t>& now,
           const std::vector<std::int64_t>& before) {
  sum.resize(std::max(sum.size(), now.size()), 0);
  for (std::size_t i = 0; i < now.size(); ++i)
    sum[i] += Rise(now[i], i < before.size() ? before[i] : 0);
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

bool AreBounds(const std::vector<double>& bounds) {
  return !bounds.empty() && bounds.front() > 0 &&
         std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
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
  if (step.stable == step_.stable && step.candidate == step_.candidate) routers.swap(routers_);
  *this = {};
  routers_ = std::move(routers);
  step_ = step;
  gates_ = std::move(texts);
  const std::string versions =
      '\n' + std::to_string(step.stable) + ' ' + std::to_string(step.candidate);
  for (const auto& g : gates) {
    if (!g.max_ratio_to_stable.empty())
      latency_.emplace(g.Name(), LatencyRatio(QuantileOf(g.metric),
                                              RatiosAround(NumberOf(g.max_ratio_to_stable))));
    if (g.IsAsked() || g.rows) asked_[g.Name()].mark = TextOf(g) + versions;
  }
  for (const std::string& check : checks) asked_[check].mark = check + versions;
}

void Evidence::Look(const std::vector<RouterFact>& routers, TimePoint now) {
  for (const RouterFact& r : routers) LookAt(r);
  if (!slice_since_) slice_since_ = now;
  CloseSlice(now);
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
  const bool timed = AreBounds(router.latency_bounds);
  if (timed && router.latency_bounds != bounds_) {  // of another release: what was counted is gone
    bounds_ = router.latency_bounds;
    for (Histogram* h : {&stable_.latency, &candidate_.latency, &stable_slice_, &candidate_slice_})
      h->assign(bounds_.size() + 1, 0);
  }
  for (const VersionCounters& now : router.versions) {
    const bool candidate = now.version == step_.candidate;
    VersionCounters& before = seen.versions[now.version];
    if (!first && (candidate || now.version == step_.stable)) {
      Counts& sum = candidate ? candidate_ : stable_;
      Raise(sum, now, before);
      if (timed && now.latency.size() == bounds_.size() + 1) {
        Raise(sum.latency, now.latency, before.latency);
        Raise(candidate ? candidate_slice_ : stable_slice_, now.latency, before.latency);
      }
    }
    before = now;
  }
}

void Evidence::CloseSlice(TimePoint now) {
  if (now - *slice_since_ < kSlice || Total(candidate_slice_) < kLeastInSlice) return;
  for (auto& [gate, ratio] : latency_) ratio.Add(bounds_, stable_slice_, candidate_slice_);
  stable_slice_.assign(bounds_.size() + 1, 0);
  candidate_slice_.assign(bounds_.size() + 1, 0);
  slice_since_ = now;
}

void Evidence::Add(const Measurement& m) {
  const auto it = asked_.find(m.gate);
  if (it == asked_.end()) return;
  if (m.version != 0 && m.version != step_.candidate) return;  // of one that is gone
  Asked& a = it->second;
  if (!m.mark.empty() && m.mark != a.mark) return;  // the gate or a version is another by now
  a.time = m.time;
  a.error = m.error;
  if (!m.error.empty()) return;
  a.message = m.message;
  a.samples = m.samples;
  ++a.measured;
  a.good = m.good;
  a.value = m.value;
  a.bad_in_a_row = m.good ? 0 : a.bad_in_a_row + 1;
}

const LatencyRatio* Evidence::Latency(const std::string& gate) const {
  const auto it = latency_.find(gate);
  return it == latency_.end() ? nullptr : &it->second;
}

const Asked* Evidence::AskedBy(const std::string& gate) const {
  const auto it = asked_.find(gate);
  return it == asked_.end() ? nullptr : &it->second;
}

}  // namespace penstock::rollout
