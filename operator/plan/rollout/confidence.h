// Intervals and tests of rates that hold however often one looks. Pure.
//
// A nonnegative martingale that begins at 1 ever reaches 1/alpha with probability alpha at most
// (Ville, 1939): whoever looks after every request and stops at will is wrong no more often. So no
// number of samples is fixed before, and an early look costs nothing.
#pragma once

#include <cstdint>

namespace penstock::rollout {

struct Interval {
  double lower = 0;
  double upper = 1;
};

// A mixture over rates, Beta(a, b). Any that is chosen before the data is valid; one that has its
// mass where the truth may be is decided sooner.
struct Prior {
  double a = 0.5;
  double b = 0.5;
};
// With its mean at twice a bound: what a rollout must find soon. Needs 0 < bound < 1.
[[nodiscard]] Prior PriorAround(double bound);

// Logarithm of the mixture likelihood ratio of k events in n against rate p:
//   B(a + k, b + n - k) / B(a, b) / (p^k (1 - p)^(n - k)),
// a martingale when p is the truth (Robbins, "Statistical methods related to the law of the
// iterated logarithm", Ann. Math. Statist. 41, 1970; the "mixture SPRT" of Johari et al., "Peeking
// at A/B tests", KDD 2017). Needs 0 <= k <= n; infinite where p contradicts the data.
[[nodiscard]] double LogMixtureRatio(std::int64_t k, std::int64_t n, double p, Prior prior);

// All p whose ratio is below 1/alpha: holds the true rate at all n at once with probability
// 1 - alpha (Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic
// confidence sequences", Ann. Statist. 49, 2021). [0, 1] when n is 0.
[[nodiscard]] Interval RateInterval(std::int64_t k, std::int64_t n, double alpha, Prior prior = {});

// The same of a mean, of n values with this sum and sum of squares: an asymptotic confidence
// sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
// asymptotic confidence sequences", Ann. Statist. 52, 2024), narrowest around a thousand values. It
// holds in the limit of many, and so is for kLeastForMean or more. Unbounded below them.
inline constexpr std::int64_t kLeastForMean = 100;
[[nodiscard]] Interval MeanInterval(double sum, double sum_of_squares, std::int64_t n,
                                    double alpha);

// Of a drawing of `marked` and `plain` balls, `draws` of them without putting back: the mid-p value
// of `hits` marked ones or more, P(X > hits) + P(X = hits) / 2. Its mean is exactly 1/2 (Lancaster,
// "Significance tests in discrete distributions", JASA 56, 1961). 1/2 where nothing can be told.
[[nodiscard]] double HypergeometricMidP(std::int64_t hits, std::int64_t draws, std::int64_t marked,
                                        std::int64_t plain);

// Evidence by betting (Shafer, "Testing by betting", JRSS A 184, 2021): each value p of mean 1/2 or
// more multiplies the capital by 1 + bet * (1 - 2p), a calibrator of Vovk and Wang ("E-values",
// Ann. Statist. 49, 2021); the capital is the mean over several bets. One p of 0 doubles it at
// most, so that a single burst decides nothing.
class Betting {
 public:
  void Add(double p);
  // Logarithm of the capital. The null is rejected where it reaches log(1 / alpha).
  [[nodiscard]] double LogCapital() const;
  [[nodiscard]] bool Rejects(double alpha) const;

 private:
  static constexpr double kBets[] = {0.25, 0.5, 0.75, 0.95};
  double log_[4] = {0, 0, 0, 0};
  double highest_ = 0;  // a rejection stays
};

}  // namespace penstock::rollout
