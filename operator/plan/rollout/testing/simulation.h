// Rollouts of simulated traffic, judged as the operator judges: counts come in every two seconds,
// latencies by bucket. For tests and tests/bench.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "operator/plan/rollout/decision.h"

namespace penstock::rollout {

// How one version answers.
struct Behaviour {
  double errors = 0.001;   // share of 5xx
  double refusals = 0.02;  // share of 4xx, "infer:400": bad requests that any version refuses
  double median = 0.010;   // seconds, log-normal
  double spread = 0.35;
};

struct SimulatedTraffic {
  double requests_a_second = 100;
  Behaviour stable;
  Behaviour candidate;
  double slow_minutes = 0;  // chance of a minute in which both take three times as long
};

struct SimulatedEnd {
  Move move = Move::kStay;   // kPromote, kRollBack, or kStay: time ran out
  std::int64_t samples = 0;  // of the candidate, in all steps
  double seconds = 0;
  std::string why;
};

inline api::RolloutSpec SimulatedSpec() {
  api::RolloutSpec spec;
  spec.strategy = api::RolloutStrategy::kCanary;
  spec.steps.resize(2);
  spec.steps[0] = {"5%", Milliseconds(60'000), {}};
  spec.steps[1] = {"50%", Milliseconds(300'000), {}};
  spec.gates.resize(3);
  spec.gates[0].metric = api::kErrorRate;
  spec.gates[0].max = "1%";
  spec.gates[1].metric = api::kLatencyP95;
  spec.gates[1].max_ratio_to_stable = "1.2";
  spec.gates[2].metric = api::kClientErrorRatio;
  spec.gates[2].max = "1.5";
  spec.progress_deadline = Milliseconds(3'600'000);
  return spec;
}

class SimulatedRollout {
 public:
  SimulatedRollout(const api::RolloutSpec& spec, const SimulatedTraffic& traffic,
                   std::uint64_t seed)
      : spec_(spec), traffic_(traffic), random_(seed) {
    for (double b = 1e-4; router_.latency_bounds.size() < 61; b *= 1.25)
      router_.latency_bounds.push_back(b);
    router_.pod = "router";
    router_.run = "1";
    router_.versions.resize(2);
    for (int v = 0; v < 2; ++v) {
      router_.versions[v].version = v + 1;
      router_.versions[v].latency.assign(router_.latency_bounds.size() + 1, 0);
    }
  }

  // At most so many simulated seconds.
  SimulatedEnd Run(double most_seconds = 7'200) {
    const auto stages = StagesOf(spec_);
    std::size_t at = 0;
    double since = 0;
    for (double t = 0; t < most_seconds; t += kLook) {
      if (std::fmod(t, 60) < kLook)
        slow_ = std::bernoulli_distribution(traffic_.slow_minutes)(random_);
      evidence_.Begin({1, 2, stages[at].evidence}, spec_.gates);
      evidence_.Look({router_}, kStart + Milliseconds(std::llround(t * 1e3)));
      Situation s;
      s.since = Milliseconds(std::llround((t - since) * 1e3));
      s.available = true;
      const Decision d = Decide(spec_, stages[at], s, JudgeStage(spec_, stages[at], evidence_));
      if (d.move == Move::kRollBack) return {d.move, samples_, t, d.message};
      if (d.move == Move::kNext) {
        if (++at == stages.size()) return {Move::kPromote, samples_, t, ""};
        since = t;
      }
      Serve(NumberOf(stages[at].weight));
    }
    return {Move::kStay, samples_, most_seconds, ""};
  }

 private:
  static constexpr double kLook = 2;
  static constexpr TimePoint kStart{std::chrono::hours(24 * 365 * 30)};

  std::int64_t Binomial(std::int64_t n, double p) {
    if (n <= 0 || p <= 1e-12) return 0;
    return std::binomial_distribution<std::int64_t>(n, std::min(p, 1.0))(random_);
  }

  void Serve(double weight) {
    const auto all =
        std::poisson_distribution<std::int64_t>(traffic_.requests_a_second * kLook)(random_);
    const std::int64_t candidate = Binomial(all, weight);
    samples_ += candidate;
    Answer(traffic_.stable, all - candidate, router_.versions[0]);
    Answer(traffic_.candidate, candidate, router_.versions[1]);
  }

  void Answer(const Behaviour& b, std::int64_t n, VersionCounters& c) {
    c.requests += n;
    const std::int64_t errors = Binomial(n, b.errors);
    const std::int64_t refusals = Binomial(n - errors, b.refusals);
    c.server_errors += errors;
    if (refusals > 0) c.client_errors["infer:400"] += refusals;
    const double middle = std::log(b.median * (slow_ ? 3 : 1));
    double before = 0;
    std::int64_t left = n;
    for (std::size_t i = 0; left > 0 && i < c.latency.size(); ++i) {
      const double up_to = i < router_.latency_bounds.size()
                               ? std::erfc((middle - std::log(router_.latency_bounds[i])) /
                                           b.spread / std::sqrt(2)) /
                                     2
                               : 1;
      const std::int64_t here = before < 1 ? Binomial(left, (up_to - before) / (1 - before)) : left;
      c.latency[i] += here;
      left -= here;
      before = up_to;
    }
  }

  const api::RolloutSpec& spec_;
  const SimulatedTraffic traffic_;
  std::mt19937_64 random_;
  RouterFact router_;
  Evidence evidence_;
  std::int64_t samples_ = 0;
  bool slow_ = false;
};

// What a test of one look needs to find rate `bad` against `max` with the error probabilities
// `alpha` and `beta`: the normal approximation of the binomial.
inline double FixedHorizonSamples(double max, double bad, double z_alpha, double z_beta) {
  const double sum = z_alpha * std::sqrt(max * (1 - max)) + z_beta * std::sqrt(bad * (1 - bad));
  return sum * sum / (bad - max) / (bad - max);
}

}  // namespace penstock::rollout
