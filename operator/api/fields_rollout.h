// The fields of a rollout. See fields.h.
#pragma once

#include <algorithm>

#include "operator/api/fields.h"
#include "operator/api/fields_gate.h"
#include "operator/api/rollout.h"

namespace penstock::api {

inline constexpr std::array<Named<RolloutStrategy>, 3> kStrategies{
    {{RolloutStrategy::kBlueGreen, "BlueGreen"},
     {RolloutStrategy::kCanary, "Canary"},
     {RolloutStrategy::kRecreate, "Recreate"}}};
inline constexpr std::array<Named<OnInconclusive>, 3> kOnInconclusives{
    {{OnInconclusive::kPause, "Pause"},
     {OnInconclusive::kRollback, "Rollback"},
     {OnInconclusive::kPromote, "Promote"}}};
inline constexpr std::array<Named<RowsExpect>, 2> kRowsExpects{
    {{RowsExpect::kRecorded, "Recorded"}, {RowsExpect::kStable, "Stable"}}};
inline constexpr std::array<Named<ApprovalTimeout>, 2> kRolloutApprovalTimeouts{
    {{ApprovalTimeout::kFail, "Fail"}, {ApprovalTimeout::kApprove, "Approve"}}};
inline constexpr const char* kGateMetrics[] = {
    kErrorRate, kClientErrorRatio, kLatencyP50, kLatencyP95, kLatencyP99, kQueueP50,
    kQueueP95,  kQueueP99,         kComputeP50, kComputeP95, kComputeP99, kDrift};

inline constexpr Format kPercent{"^(100|[0-9]{1,2}([.][0-9]{1,4})?)%$",
                                 "a percentage from 0% to 100%"};
// Of traffic: routers count in hundredths of a percent.
inline constexpr Format kShare{"^(100|[0-9]{1,2}([.][0-9]{1,2})?)%$",
                               "a percentage from 0% to 100% with at most two decimals"};
inline constexpr Format kDecimal{"^-?[0-9]{1,12}([.][0-9]{1,9})?$",
                                 "a decimal number in quotes, like \"1.2\""};
inline constexpr Format kRatio{"^[0-9]{1,4}([.][0-9]{1,4})?$", "a ratio in quotes, like \"1.2\""};
inline constexpr Format kTolerance{"^[0-9]{1,6}([.][0-9]{1,9})?$",
                                   "a number of 0 or more in quotes, like \"0.001\""};
inline constexpr Format kConfigMapKey{"^[-._a-zA-Z0-9]+$", "letters, digits, '-', '_' and '.'"};
inline constexpr Format kGateBound{
    "^([0-9]{1,4}([.][0-9]{1,4})?%?|([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?)$",
    "1% for errorRate, \"1.5\" for clientErrorRatioToStable, 200ms for a latency, \"0.25\" for "
    "drift"};
inline constexpr Format kHttpUrl{"^https?://[^ ]+$", "a URL that begins with http:// or https://"};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ShadowSpec>& s) {
  io.String("percent", s.percent, {8, &kShare});
  io.Duration("hold", s.hold, Milliseconds(0));
  io.Optional("compare", s.compare);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ShadowSpec::Compare>& c) {
  io.Group("decision", [&](auto& g) {
    g.String("output", c.output, {253});
    g.String("threshold", c.threshold, {24, &kDecimal});
  });
  io.String("maxFlips", c.max_flips, {8, &kPercent});
  io.String("maxShift", c.max_shift, {16, &kTolerance});
  if constexpr (Io::kReads)
    io.Check(!c.max_flips.empty() || !c.max_shift.empty(), "",
             "say what is good: maxFlips, maxShift or both");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ExperimentSpec>& e) {
  io.String("percent", e.percent, {8, &kShare});
  io.Duration("hold", e.hold, Milliseconds(0));
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PauseStep>& p) {
  io.String("message", p.message, {1024});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RolloutApproval>& a) {
  io.String("message", a.message, {1024});
  io.List("approvers", a.approvers, 50, nullptr);
  io.Integer("need", a.need, {1, 20}, 1);
  io.Bool("notBySubmitter", a.not_by_submitter, false);
  io.Duration("timeout", a.timeout);
  io.Enum("onTimeout", a.on_timeout, kRolloutApprovalTimeouts, ApprovalTimeout::kFail);
  if constexpr (Io::kReads)
    io.Check(a.on_timeout == ApprovalTimeout::kFail || a.timeout.has_value(), "onTimeout",
             "says what becomes of the step after timeout: add one");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RolloutStep>& s) {
  io.String("weight", s.weight, {8, &kShare});
  io.Duration("hold", s.hold, Milliseconds(0));
  io.Optional("pause", s.pause);
  io.Optional("approval", s.approval);
  if constexpr (Io::kReads) {
    const int kinds = (s.weight.empty() ? 0 : 1) + (s.pause ? 1 : 0) + (s.approval ? 1 : 0);
    io.Check(kinds == 1, "", "a step is one of a weight (with a hold), a pause and an approval");
    io.Check(kinds != 1 || !s.weight.empty() || s.hold == Milliseconds(0), "hold",
             "is of a weight: a pause has no end, and an approval a timeout");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PrometheusGate>& p) {
  io.String("url", p.url, {2048, &kHttpUrl, true});
  io.String("query", p.query, {4096, nullptr, true});
  io.String("min", p.min, {24, &kDecimal});
  io.String("max", p.max, {24, &kDecimal});
  if constexpr (Io::kReads)
    io.Check(!p.min.empty() || !p.max.empty(), "", "say what is good: min, max or both");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<HttpGate>& h) {
  io.String("url", h.url, {2048, &kHttpUrl, true});
  io.Group("expect", [&](auto& g) {
    g.Integer("status", h.status, {100, 599}, 200);
    g.String("contains", h.contains, {1024});
  });
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RowsGate>& r) {
  io.Group(
      "configMap",
      [&](auto& g) {
        g.String("name", r.config_map, {253, nullptr, true});
        g.String("key", r.key, {253, &kConfigMapKey});
      },
      true);
  io.Enum("expect", r.expect, kRowsExpects, RowsExpect::kRecorded);
  io.String("tolerance", r.tolerance, {16, &kTolerance});
  io.Integer("maxMismatches", r.max_mismatches, {0, 1000}, 0);
}

// The bound that fits the metric, in one of its forms.
template <typename Io>
void CheckGateBounds(Io& io, const GateSpec& g) {
  const bool latency = g.metric.starts_with("latency") || g.metric.starts_with("queue") ||
                       g.metric.starts_with("compute");
  const auto form = [&](const char* end) { return g.max.empty() || g.max.ends_with(end); };
  if (g.metric == kErrorRate)
    io.Check(g.max_ratio_to_stable.empty() && form("%") &&
                 g.max.empty() != g.max_difference_to_stable.empty(),
             "", "errorRate has either max or maxDifferenceToStable, like 1%");
  if (g.metric == kClientErrorRatio)
    io.Check(g.max_ratio_to_stable.empty() && g.max_difference_to_stable.empty() &&
                 !g.max.empty() && !form("%") && !form("s") && !form("m") && !form("h"),
             "", "clientErrorRatioToStable has max, a ratio in quotes, like \"1.5\"");
  if (latency)
    io.Check(g.max_difference_to_stable.empty() && g.max.empty() != g.max_ratio_to_stable.empty() &&
                 (form("s") || form("m") || form("h")),
             "", "a latency has either max, like 200ms, or maxRatioToStable, like \"1.2\"");
  if (g.metric == kDrift)
    io.Check(g.max_difference_to_stable.empty() && g.max.empty() != g.max_ratio_to_stable.empty() &&
                 !g.max.ends_with("%") && !g.max.ends_with("s") && !g.max.ends_with("m") &&
                 !g.max.ends_with("h"),
             "", "drift has either max, an index like \"0.25\", or maxRatioToStable, like \"2\"");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<GateSpec>& g) {
  io.String("name", g.name, {40, &kIdentifier});
  io.Choice("metric", g.metric, kGateMetrics, "");
  io.String("max", g.max, {24, &kGateBound});
  io.String("maxRatioToStable", g.max_ratio_to_stable, {10, &kRatio});
  io.String("maxDifferenceToStable", g.max_difference_to_stable, {8, &kPercent});
  io.Optional("prometheus", g.prometheus);
  io.Optional("http", g.http);
  io.Optional("rows", g.rows);
  io.Duration("interval", g.interval, Milliseconds(30'000));
  io.Integer("failures", g.failures, {1, 100}, 3);
  if constexpr (Io::kReads) {
    const int kinds =
        (g.metric.empty() ? 0 : 1) + (g.prometheus ? 1 : 0) + (g.http ? 1 : 0) + (g.rows ? 1 : 0);
    io.Check(kinds == 1, "", "a gate is one of metric, prometheus, http and rows");
    const bool own = g.IsAsked() || g.rows;
    io.Check(!own || (g.max.empty() && g.max_ratio_to_stable.empty() &&
                      g.max_difference_to_stable.empty()),
             "", "the bounds beside metric are of a metric; the other kinds have their own");
    io.Check(!own || !g.name.empty(), "name", "is required for prometheus, http and rows");
    io.Check(g.interval >= Milliseconds(1'000), "interval", "must be 1s or more");
    CheckGateBounds(io, g);
  }
}

// What must hold across the fields of a rollout.
template <typename Io>
void CheckRollout(Io& io, const RolloutSpec& r) {
  using enum RolloutStrategy;
  const bool canary = r.strategy == kCanary;
  io.Check(canary != r.steps.empty(), "steps",
           "are for strategy Canary, which needs one or more, like {weight: 5%, hold: 1m}");
  io.Check(r.strategy == kBlueGreen || r.auto_promote, "autoPromote",
           "is for strategy BlueGreen; a Canary waits at a step {pause: {}}");
  io.Check(r.strategy != kRecreate || (!r.shadow && r.gates.empty()), "",
           "strategy Recreate has one version at a time: no shadow and no gates");
  const bool metrics =
      std::any_of(r.gates.begin(), r.gates.end(), [](const auto& g) { return !g.metric.empty(); });
  io.Check(!r.experiment || (canary && metrics), "experiment",
           "needs strategy Canary and a gate with a metric, by which both versions are judged");
  io.Check(canary || !metrics, "gates",
           "a metric judges live traffic: it needs strategy Canary; BlueGreen has prometheus, http "
           "and shadow.compare");
  for (std::size_t i = 0; i < r.gates.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      io.Check(r.gates[i].Name() != r.gates[k].Name(), "gates",
               "two gates are called \"" + r.gates[i].Name() + "\": give one a name");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RolloutSpec>& r) {
  io.Enum("strategy", r.strategy, kStrategies, RolloutStrategy::kBlueGreen);
  io.Bool("autoPromote", r.auto_promote, true);
  io.Bool("paused", r.paused, false);
  io.Optional("experiment", r.experiment);
  io.Optional("shadow", r.shadow);
  io.List("steps", r.steps, 20, nullptr);
  io.List("gates", r.gates, 10, nullptr);
  io.Duration("progressDeadline", r.progress_deadline, Milliseconds(600'000));
  io.Enum("onInconclusive", r.on_inconclusive, kOnInconclusives, OnInconclusive::kPause);
  io.Bool("allowSignatureChange", r.allow_signature_change, false);
  io.Bool("undoBySteps", r.undo_by_steps, false);
  if constexpr (Io::kReads) CheckRollout(io, r);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<GateStatus>& g) {
  io.String("name", g.name, {40, nullptr, true});
  io.String("metric", g.metric, {40});
  io.String("value", g.value, {40});
  io.String("lower", g.lower, {40});
  io.String("upper", g.upper, {40});
  io.String("verdict", g.verdict, {16});
  io.Integer("samples", g.samples, kBytes, 0);
  io.String("message", g.message, {1024});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RouterStatus>& r) {
  io.Integer("port", r.port, {0, 65535}, 0);
  io.Integer("grpcPort", r.grpc_port, {0, 65535}, 0);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<TrafficStatus>& t) {
  io.Integer("version", t.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("weight", t.weight, {8, &kShare});
  io.String("shadow", t.shadow, {8, &kShare});
  io.String("maxErrorRate", t.max_error_rate, {8, &kPercent});
  io.String("compareOutput", t.compare_output, {253});
  io.String("compareThreshold", t.compare_threshold, {24, &kDecimal});
}

}  // namespace penstock::api
