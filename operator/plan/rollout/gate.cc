#include "operator/plan/rollout/gate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "operator/plan/rollout/confidence.h"
#include "operator/plan/rollout/server_evidence.h"

namespace penstock::rollout {
namespace {

std::string Significant(double v) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), v, std::chars_format::general, 3);
  return {text.data(), end.ptr};
}

std::string SecondsText(double seconds) { return Significant(seconds * 1e3) + "ms"; }

double Share(std::int64_t k, std::int64_t n) {
  return n > 0 ? static_cast<double>(k) / static_cast<double>(n) : 0;
}

// Where an interval lies to a bound.
Verdict Against(const Interval& i, double max) {
  if (i.lower > max) return Verdict::kFail;
  return i.upper <= max ? Verdict::kPass : Verdict::kInconclusive;
}

void PutPercents(double value, const Interval& i, Judgement& j) {
  j.status.value = PercentText(value);
  j.status.lower = PercentText(i.lower);
  j.status.upper = PercentText(i.upper);
}

std::string OfRequests(std::int64_t k, std::int64_t n) {
  return std::to_string(k) + " of " + std::to_string(n) + " requests";
}

void JudgeErrors(const api::GateSpec& gate, const Evidence& e, double alpha, Judgement& j) {
  // Half for what counts, half for whether it is too much.
  const Errors errors = CountErrors(e, alpha / 2);
  const std::int64_t n = e.candidate().requests;
  j.status.samples = n;
  j.status.message = OfRequests(errors.candidate, n) + " failed" + errors.refusals;
  const double rate = Share(errors.candidate, n);
  if (!gate.max.empty()) {
    const double max = NumberOf(gate.max);
    const Interval i = RateInterval(errors.candidate, n, alpha / 2, PriorAround(max));
    j.verdict = Against(i, max);
    return PutPercents(rate, i, j);
  }
  const Interval mine = RateInterval(errors.candidate, n, alpha / 4);
  const Interval stable = RateInterval(errors.stable, e.stable().requests, alpha / 4);
  const Interval i{mine.lower - stable.upper, mine.upper - stable.lower};
  j.verdict = Against(i, NumberOf(gate.max_difference_to_stable));
  j.status.message += "; of the stable version's " + OfRequests(errors.stable, e.stable().requests);
  PutPercents(rate - Share(errors.stable, e.stable().requests), i, j);
}

void JudgeClientErrors(const api::GateSpec& gate, const Evidence& e, double alpha, Judgement& j) {
  const std::int64_t mine = e.candidate().ClientErrors();
  const std::int64_t theirs = e.stable().ClientErrors();
  const Interval c = RateInterval(mine, e.candidate().requests, alpha / 2);
  const Interval s = RateInterval(theirs, e.stable().requests, alpha / 2);
  const auto least = [](double rate) { return std::max(rate, kLeastClientErrors); };
  const Interval i{c.lower / least(s.upper), c.upper / least(s.lower)};
  j.verdict = Against(i, NumberOf(gate.max));
  j.status.samples = e.candidate().requests;
  j.status.value =
      Significant(Share(mine, e.candidate().requests) / least(Share(theirs, e.stable().requests)));
  j.status.lower = Significant(i.lower);
  j.status.upper = Significant(i.upper);
  j.status.message = OfRequests(mine, e.candidate().requests) + " refused (4xx); of the stable " +
                     "version's " + OfRequests(theirs, e.stable().requests);
}

// Share of answers beyond each bound against 1 - quantile: which bounds the quantile is surely
// above, and which it is surely not.
void JudgeLatency(const api::GateSpec& gate, const Evidence& e, double alpha, Judgement& j) {
  const double q = QuantileOf(gate.metric);
  const auto limit = ParseDuration(gate.max);
  const double max = limit ? static_cast<double>(limit->count()) / 1e3 : 0;
  const std::vector<double>& bounds = e.TimesOf(gate).bounds();
  const Histogram& counts = e.TimesOf(gate).candidate();
  const std::int64_t n = Total(counts);
  j.status.samples = n;
  if (n == 0) return;
  double surely_above = 0;
  double surely_not = std::numeric_limits<double>::infinity();
  std::int64_t beyond = n;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    beyond -= counts[i];
    const Interval share = RateInterval(beyond, n, alpha, PriorAround(1 - q));
    if (share.lower > 1 - q) surely_above = bounds[i];
    if (share.upper <= 1 - q) surely_not = std::min(surely_not, bounds[i]);
  }
  if (surely_above >= max) j.verdict = Verdict::kFail;
  if (surely_not <= max) j.verdict = Verdict::kPass;
  j.status.value = SecondsText(Quantile(bounds, counts, q));
  j.status.lower = SecondsText(surely_above);
  if (std::isfinite(surely_not)) j.status.upper = SecondsText(surely_not);
}

void JudgeLatencyRatio(const api::GateSpec& gate, const Evidence& e, double alpha, Judgement& j) {
  const Times& times = e.TimesOf(gate);
  const LatencyRatio* ratio = times.Ratio(gate.Name());
  if (ratio == nullptr) return;
  const double max = NumberOf(gate.max_ratio_to_stable);
  if (ratio->Above(max, alpha))
    j.verdict = Verdict::kFail;
  else if (ratio->Below(max, alpha))
    j.verdict = Verdict::kPass;
  const double q = QuantileOf(gate.metric);
  const double mine = Quantile(times.bounds(), times.candidate(), q);
  const double stable = Quantile(times.bounds(), times.stable(), q);
  const Interval i = ratio->Bounds(alpha);
  j.status.samples = Total(times.candidate());
  if (stable > 0) j.status.value = Significant(mine / stable);
  if (i.lower > 0) j.status.lower = Significant(i.lower);
  if (std::isfinite(i.upper)) j.status.upper = Significant(i.upper);
  j.status.message = SecondsText(mine) + ", the stable version " + SecondsText(stable) + "; " +
                     std::to_string(ratio->Slices()) + " slices of time compared";
}

void JudgeAsked(const api::GateSpec& gate, const Evidence& e, Judgement& j) {
  const bool told = !gate.metric.empty();  // by the servers
  if (!told) j.status.metric = gate.http ? "http" : "prometheus";
  const Asked* a = e.AskedBy(gate.Name());
  if (a == nullptr) return;
  j.status.samples = told ? a->samples : a->measured;
  if (a->value) j.status.value = Significant(*a->value);
  j.status.message = told && a->error.empty() ? a->message : a->error;
  if (a->bad_in_a_row >= gate.failures) {
    j.verdict = Verdict::kFail;
    j.status.message = std::to_string(a->bad_in_a_row) + " measurements in a row are not good" +
                       (told ? "; the last: " + a->message : "");
  } else if (a->measured > 0 && a->good && a->error.empty()) {
    j.verdict = Verdict::kPass;
  }
}

// Of the mean difference; its upper end is for a variance of max^2 at least.
Interval ShiftInterval(const ShiftSums& sums, std::int64_t n, double max, double alpha) {
  const auto count = static_cast<double>(n);
  const double scale = count / static_cast<double>(sums.values);
  const double sum = sums.absolute_differences * scale;
  const double squares = sums.squared_differences * scale;
  const double least = sum * sum / count + count * max * max;
  return {MeanInterval(sum, squares, n, alpha).lower,
          MeanInterval(sum, std::max(squares, least), n, alpha).upper};
}

}  // namespace

Judgement Judge(const api::GateSpec& gate, const Evidence& e, double alpha) {
  Judgement j;
  j.status.name = gate.Name();
  j.status.metric = gate.metric;
  if (gate.IsAsked() || gate.metric == api::kDrift)
    JudgeAsked(gate, e, j);
  else if (gate.metric == api::kErrorRate)
    JudgeErrors(gate, e, alpha, j);
  else if (gate.metric == api::kClientErrorRatio)
    JudgeClientErrors(gate, e, alpha, j);
  else if (gate.max_ratio_to_stable.empty())
    JudgeLatency(gate, e, alpha, j);
  else
    JudgeLatencyRatio(gate, e, alpha, j);
  // Why there are no numbers, where those who tell them say nothing.
  const bool told = IsOfQueue(gate) || IsOfCompute(gate);
  const Asked* servers = told && j.status.samples == 0 ? e.AskedBy(kServersCheck) : nullptr;
  if (servers != nullptr && !servers->error.empty()) j.status.message = servers->error;
  j.status.verdict = VerdictText(j.verdict);
  return j;
}

Judgement JudgeFlips(const api::ShadowSpec::Compare& compare, const Evidence& e, double alpha) {
  Judgement j;
  const double max = NumberOf(compare.max_flips);
  const Counts& c = e.candidate();
  const Interval i = RateInterval(c.flips, c.compared, alpha, PriorAround(max));
  j.verdict = Against(i, max);
  j.status.name = j.status.metric = api::kDecisionFlips;
  j.status.samples = c.compared;
  j.status.message =
      std::to_string(c.flips) + " of " + std::to_string(c.compared) + " rows have another decision";
  PutPercents(Share(c.flips, c.compared), i, j);
  j.status.verdict = VerdictText(j.verdict);
  return j;
}

Judgement JudgeShift(const api::ShadowSpec::Compare& compare, const Evidence& e, double alpha) {
  Judgement j;
  j.status.name = j.status.metric = api::kOutputShift;
  const ShiftSums& sums = e.candidate().shift;
  const std::int64_t n = std::min(sums.rows, sums.values);
  j.status.samples = n;
  j.status.message = "mean absolute difference of " + std::to_string(sums.values) + " numbers in " +
                     std::to_string(sums.rows) + " rows";
  if (sums.lost_rows > 0)
    j.status.message += "; " + std::to_string(sums.lost_rows) +
                        " more rows have no numbers where the stable version's have";
  if (sums.overflown) {
    j.verdict = Verdict::kFail;
    j.status.message += "; a difference is too large to be summed";
  }
  j.status.verdict = VerdictText(j.verdict);
  if (sums.overflown || n + sums.lost_rows == 0) return j;
  const Verdict lost = Against(
      RateInterval(sums.lost_rows, n + sums.lost_rows, alpha / 2, PriorAround(kMostLostRows)),
      kMostLostRows);
  const double max = NumberOf(compare.max_shift);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Interval i =
      n == 0 ? Interval{-kInfinity, kInfinity} : ShiftInterval(sums, n, max, alpha / 2);
  j.verdict = Against(i, max);
  if (lost == Verdict::kFail) j.verdict = Verdict::kFail;
  if (j.verdict == Verdict::kPass && (lost != Verdict::kPass || n < kLeastToPassShift))
    j.verdict = Verdict::kInconclusive;
  if (n > 0)
    j.status.value = Significant(sums.absolute_differences / static_cast<double>(sums.values));
  if (std::isfinite(i.lower)) j.status.lower = Significant(std::max(0.0, i.lower));
  if (std::isfinite(i.upper)) j.status.upper = Significant(i.upper);
  j.status.verdict = VerdictText(j.verdict);
  return j;
}

Judgement JudgeRows(const api::GateSpec& gate, const Evidence& e) {
  Judgement j;
  j.status.name = gate.Name();
  j.status.metric = "rows";
  const Asked* a = e.AskedBy(gate.Name());
  if (a != nullptr && a->measured > 0) {
    j.verdict = a->good ? Verdict::kPass : Verdict::kFail;
    j.status.samples = a->samples;
    if (a->value) j.status.value = Significant(*a->value);
    j.status.message = a->message;
  } else if (a != nullptr) {
    j.status.message = a->error;
  }
  j.status.verdict = VerdictText(j.verdict);
  return j;
}

Judgement JudgeSignature(const Evidence& e) {
  Judgement j;
  j.status.name = j.status.metric = "signature";
  const Asked* a = e.AskedBy(kSignatureCheck);
  if (a != nullptr && a->measured > 0) {
    j.verdict = a->good ? Verdict::kPass : Verdict::kFail;
    j.status.samples = a->measured;
    j.status.message = a->message;
  } else {
    j.status.message = a != nullptr ? a->error : "";
  }
  j.status.verdict = VerdictText(j.verdict);
  return j;
}

Errors CountErrors(const Evidence& e, double alpha) {
  constexpr double kKinds = 65;  // as many as Evidence keeps
  const Counts& c = e.candidate();
  const Counts& s = e.stable();
  Errors errors{c.server_errors + c.timeouts, s.server_errors + s.timeouts, ""};
  for (const auto& [kind, n] : c.client_errors) {
    const auto it = s.client_errors.find(kind);
    const std::int64_t theirs = it == s.client_errors.end() ? 0 : it->second;
    const double most = RateInterval(theirs, s.requests, alpha / kKinds / 2).upper;
    if (RateInterval(n, c.requests, alpha / kKinds / 2).lower <= most) continue;
    const auto usual = static_cast<std::int64_t>(most * static_cast<double>(c.requests));
    errors.candidate += std::max<std::int64_t>(n - usual, 0);
    errors.refusals += (errors.refusals.empty() ? ", among them " : ", ") + kind +
                       ", which the stable version hardly gives";
  }
  errors.candidate = std::min(errors.candidate, c.requests);
  errors.stable = std::min(errors.stable, s.requests);
  return errors;
}

double NumberOf(std::string_view text) {
  double v = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), v);
  if (end.ec != std::errc{}) return 0;
  return std::string_view(end.ptr, text.data() + text.size()) == "%" ? v / 100 : v;
}

double QuantileOf(std::string_view metric) {
  return metric.ends_with("P50") ? 0.5 : metric.ends_with("P99") ? 0.99 : 0.95;
}

std::vector<double> RatiosAround(double bound) {
  return {0.25, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, bound};
}

std::string DecimalText(double v) { return Significant(v); }

std::string PercentText(double share) { return Significant(100 * share) + "%"; }

const char* VerdictText(Verdict v) {
  return v == Verdict::kPass ? "Pass" : v == Verdict::kFail ? "Fail" : "Inconclusive";
}

}  // namespace penstock::rollout
