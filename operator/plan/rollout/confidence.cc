#include "operator/plan/rollout/confidence.h"

#include <math.h>  // lgamma_r is POSIX

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace penstock::rollout {
namespace {

// std::lgamma writes a global, which threads share.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double LogBeta(double a, double b) { return LogGamma(a) + LogGamma(b) - LogGamma(a + b); }

// k log p, with 0 log 0 = 0.
double CountTimes(std::int64_t k, double log_p) {
  return k == 0 ? 0 : static_cast<double>(k) * log_p;
}

double LogChoose(std::int64_t n, std::int64_t k) {
  const auto d = [](std::int64_t v) { return LogGamma(static_cast<double>(v) + 1); };
  return d(n) - d(k) - d(n - k);
}

// The logarithm of the mixture's own probability of the events.
double LogMixture(std::int64_t k, std::int64_t n, Prior prior) {
  return LogBeta(prior.a + static_cast<double>(k), prior.b + static_cast<double>(n - k)) -
         LogBeta(prior.a, prior.b);
}

// Of the events under rate p.
double LogLikelihood(std::int64_t k, std::int64_t n, double p) {
  return CountTimes(k, std::log(p)) + CountTimes(n - k, std::log1p(-p));
}

// Where the likelihood, which falls from `in` towards `out`, reaches `least`.
double Edge(double in, double out, double least, std::int64_t k, std::int64_t n) {
  if (LogLikelihood(k, n, out) > least) return out;
  for (int i = 0; i < 50; ++i) {
    const double middle = (in + out) / 2;
    (LogLikelihood(k, n, middle) > least ? in : out) = middle;
  }
  return out;
}

}  // namespace

Prior PriorAround(double bound) {
  const double mean = std::clamp(2 * bound, 1e-6, 0.5);
  return {1, 1 / mean - 1};
}

double LogMixtureRatio(std::int64_t k, std::int64_t n, double p, Prior prior) {
  return LogMixture(k, n, prior) - LogLikelihood(k, n, p);
}

Interval RateInterval(std::int64_t k, std::int64_t n, double alpha, Prior prior) {
  if (n <= 0) return {};
  const double least = LogMixture(k, n, prior) + std::log(alpha);
  const double rate = static_cast<double>(k) / static_cast<double>(n);
  return {Edge(rate, 0, least, k, n), Edge(rate, 1, least, k, n)};
}

// mean +- s sqrt(2 (n r^2 + 1) / (n^2 r^2) log(sqrt(n r^2 + 1) / alpha)); of r, which may be any
// that is chosen before the data, the one that is narrowest at a thousand values.
Interval MeanInterval(double sum, double sum_of_squares, std::int64_t n, double alpha) {
  constexpr double kNarrowestAt = 1'000;
  const double infinity = std::numeric_limits<double>::infinity();
  if (n < kLeastForMean || !std::isfinite(sum) || !std::isfinite(sum_of_squares))
    return {-infinity, infinity};
  const auto count = static_cast<double>(n);
  const double mean = sum / count;
  const double variance = std::max(0.0, sum_of_squares / count - mean * mean);
  const double log_alpha = -2 * std::log(alpha);
  const double r2 = (log_alpha + std::log(log_alpha) + 1) / kNarrowestAt;
  const double width = std::sqrt(variance * 2 * (count * r2 + 1) / (count * count * r2) *
                                 std::log(std::sqrt(count * r2 + 1) / alpha));
  return {mean - width, mean + width};
}

double HypergeometricMidP(std::int64_t hits, std::int64_t draws, std::int64_t marked,
                          std::int64_t plain) {
  const std::int64_t low = std::max<std::int64_t>(0, draws - plain);
  const std::int64_t high = std::min(draws, marked);
  if (low >= high || hits < low || hits > high) return 0.5;
  const double all = LogChoose(marked + plain, draws);
  const auto log_p = [&](std::int64_t x) {
    return LogChoose(marked, x) + LogChoose(plain, draws - x) - all;
  };
  // From `hits` away from the most likely number: terms shrink, by a ratio that is cheap to know.
  const double m = static_cast<double>(marked);
  const double d = static_cast<double>(draws);
  const bool above =
      static_cast<double>(hits) >= (d + 1) * (m + 1) / (m + static_cast<double>(plain) + 2);
  const double rest = static_cast<double>(plain) - d;
  const double here = std::exp(log_p(hits));
  double term = here;
  double tail = 0;
  for (std::int64_t x = hits; above ? x < high : x > low; x += above ? 1 : -1) {
    const double v = static_cast<double>(x);
    term *= above ? (m - v) * (d - v) / ((v + 1) * (rest + v + 1))
                  : v * (rest + v) / ((m - v + 1) * (d - v + 1));
    tail += term;
    if (term < 1e-18 * (tail + here)) break;
  }
  return std::clamp(above ? tail + here / 2 : 1 - tail - here / 2, 0.0, 1.0);
}

void Betting::Add(double p) {
  for (std::size_t i = 0; i < std::size(kBets); ++i) log_[i] += std::log1p(kBets[i] * (1 - 2 * p));
  highest_ = std::max(highest_, LogCapital());
}

double Betting::LogCapital() const {
  const double most = *std::max_element(std::begin(log_), std::end(log_));
  double sum = 0;
  for (const double l : log_) sum += std::exp(l - most);
  return most + std::log(sum / static_cast<double>(std::size(kBets)));
}

bool Betting::Rejects(double alpha) const { return highest_ >= -std::log(alpha); }

}  // namespace penstock::rollout
