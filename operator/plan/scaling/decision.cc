#include "operator/plan/scaling/decision.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::scaling {
namespace {

constexpr Milliseconds kLook{10'000};
constexpr Milliseconds kSilence{10'000};  // of a router, that may hold a request
constexpr Milliseconds kUpWindow{30'000};
constexpr Milliseconds kDownWindow{300'000};
constexpr double kTolerance = 1.1;
constexpr double kBurst = 3;
constexpr double kSpread = 1.5;  // of the time of requests: 1 where it is exponential

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + "%"; }

int Needed(double in_flight, const Rules& rules) {
  const double servers = std::ceil(in_flight / (rules.concurrency * rules.target) - 1e-9);
  return static_cast<int>(std::clamp(servers, 1.0, static_cast<double>(rules.max)));
}

// Requests under way where so many are worked on at a time on average, of `slots`: those, and those
// that wait for them. M/G/s by Sakasegawa, "An approximation formula Lq = a rho^b / (1 - rho)",
// Annals of the Institute of Statistical Mathematics 29 (1977).
double InFlightOf(double busy, double slots) {
  const double rho = busy / slots;
  if (rho >= 1) return std::numeric_limits<double>::infinity();
  return busy + kSpread * std::pow(rho, std::sqrt(2 * (slots + 1))) / (1 - rho);
}

// At least; nothing: the points do not reach back so far. A router that was silent tells the mean
// of that time when it answers, so that the whole points alone may say more than all of them do.
std::optional<double> MeanOf(const Load& load, Milliseconds window, Milliseconds clock) {
  if (clock - load.since() < window) return std::nullopt;
  double sum = 0, whole_sum = 0;
  int points = 0, whole_points = 0;
  for (const LoadPoint& point : load.points()) {
    if (clock - point.at >= window) continue;
    sum += point.in_flight;
    ++points;
    if (!point.whole) continue;
    whole_sum += point.in_flight;
    ++whole_points;
  }
  if (points == 0) return std::nullopt;
  const double mean = sum / points;
  return whole_points == 0 ? mean : std::max(mean, whole_sum / whole_points);
}

class Deciding {
 public:
  Deciding(const Rules& rules, const Load& load, int replicas, Milliseconds clock)
      : rules_(rules), load_(load), replicas_(replicas), clock_(clock) {}

  Decision ByLoad() const {
    if (!load_.settled() || load_.points().empty()) return Stay();
    const double last = load_.points().back().in_flight;
    const bool fresh = clock_ - load_.points().back().at < kPointEach;
    if (fresh && last > kBurst * rules_.target * Full()) return More(last, "in the last look");
    const auto mean = MeanOf(load_, kUpWindow, clock_);
    if (mean && *mean > kTolerance * rules_.target * Full()) return More(*mean, "in half a minute");
    return Fewer();
  }

 private:
  // Requests that fill all servers.
  [[nodiscard]] double Full() const { return static_cast<double>(replicas_) * rules_.concurrency; }
  [[nodiscard]] Decision Stay() const { return {replicas_, "", kLook}; }

  [[nodiscard]] Decision More(double in_flight, const char* when) const {
    const int most = std::max(2 * replicas_, replicas_ + 4);
    const int wanted = std::min(Needed(in_flight, rules_), most);
    if (wanted <= replicas_) return Stay();  // there are no more
    return {wanted,
            Percent(in_flight / Full()) + " busy " + when + ", and " + Percent(rules_.target) +
                " are meant",
            kLook};
  }

  [[nodiscard]] Decision Fewer() const {
    if (clock_ - std::max(load_.since(), load_.heard_since()) < kDownWindow) return Stay();
    double most = 0;
    int serving = replicas_;
    for (const LoadPoint& point : load_.points()) {
      if (clock_ - point.at >= kDownWindow) continue;
      most = std::max(most, point.in_flight);
      serving = std::min(serving, point.serving);
    }
    int wanted = std::max(rules_.min, 1);
    const auto would_do = [&](int servers) {
      const double slots = static_cast<double>(servers) * rules_.concurrency;
      return InFlightOf(most, slots) <= rules_.target * slots;
    };
    while (wanted < replicas_ && !would_do(wanted)) ++wanted;
    // Those that were down had nothing to do: it is the others that have shown what they can.
    if (wanted == replicas_ || wanted > serving) return Stay();
    return {wanted, "at most " + Percent(most / Full()) + " busy for five minutes", kLook};
  }

  const Rules& rules_;
  const Load& load_;
  const int replicas_;
  const Milliseconds clock_;
};

}  // namespace

Decision Decide(const Rules& rules, const Load& load, int replicas, bool may_be_none,
                Milliseconds clock) {
  const int fewest = std::max(rules.min, 1);
  const bool sleeps = rules.min == 0 && may_be_none;
  if (replicas == 0) {
    if (!sleeps) return {fewest, "one is needed", kLook};
    if (load.held() > 0) return {fewest, "a request waits", kLook};
    if (load.heard_all()) return {0, "", std::nullopt};
    // It may hold one that it cannot tell of.
    const Milliseconds silence = clock - *load.unheard_since();
    if (silence >= kSilence) return {fewest, "a router does not answer", kLook};
    return {0, "", std::max(kSilence - silence, Milliseconds{1'000})};
  }
  const Milliseconds idle = clock - load.active();
  if (sleeps && load.heard_all() && idle >= rules.idle_after)
    return {0, "nobody has asked for " + FormatDuration(rules.idle_after), std::nullopt};
  if (replicas < fewest) return {fewest, "autoscaling.minReplicas says so", kLook};
  if (replicas > rules.max) return {rules.max, "autoscaling.maxReplicas says so", kLook};
  Decision decision = Deciding(rules, load, replicas, clock).ByLoad();
  if (sleeps && idle < rules.idle_after)
    decision.look_again = std::clamp(rules.idle_after - idle, Milliseconds{1'000}, kLook);
  return decision;
}

}  // namespace penstock::scaling
