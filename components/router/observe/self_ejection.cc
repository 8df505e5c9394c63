#include "components/router/observe/self_ejection.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace penstock::router {

namespace {

// A kind of refusal is the version's own when the others give it to less than this part of its
// share.
constexpr double kHardly = 0.1;
constexpr double kSmallestBound = 1e-4;  // a bound of 0 would call one error proof

double Log1m(double p) { return std::log1p(-p); }

}  // namespace

double LogEvidenceAbove(std::int64_t errors, std::int64_t requests, double bound) {
  const double p0 = std::clamp(bound, kSmallestBound, 1.0);
  if (p0 >= 1) return 0;
  const auto bad = static_cast<double>(errors);
  const auto good = static_cast<double>(requests - errors);
  // Alternatives from a little above the bound to nearly all, on the scale of odds.
  constexpr int kAlternatives = 12;
  const double odds0 = p0 / (1 - p0);
  const double odds1 = std::max(2 * odds0, 20.0);
  std::array<double, kAlternatives> logs{};
  for (int i = 0; i < kAlternatives; ++i) {
    const double odds = odds0 * std::pow(odds1 / odds0, (i + 1.0) / kAlternatives);
    const double p1 = odds / (1 + odds);
    logs[static_cast<std::size_t>(i)] = bad * std::log(p1 / p0) + good * (Log1m(p1) - Log1m(p0));
  }
  const double top = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - top);
  return top + std::log(sum / kAlternatives);
}

ErrorCount CountErrors(const VersionTotals& now, const VersionTotals& before,
                       const VersionTotals& others_now) {
  ErrorCount count;
  // Counts of a version that left the table and came back begin anew.
  if (now.requests < before.requests) return CountErrors(now, {}, others_now);
  count.requests = now.requests - before.requests;
  count.errors = now.server_errors - before.server_errors + now.timeouts - before.timeouts;
  for (const auto& [kind, total] : now.client_errors) {
    const auto earlier = before.client_errors.find(kind);
    const std::int64_t since =
        total - (earlier == before.client_errors.end() ? 0 : earlier->second);
    const auto theirs = others_now.client_errors.find(kind);
    const double their_share =
        theirs == others_now.client_errors.end()
            ? 0
            : static_cast<double>(theirs->second) / static_cast<double>(others_now.requests);
    const double share =
        static_cast<double>(since) / std::max<double>(1, static_cast<double>(count.requests));
    if (others_now.requests > 0 && their_share < kHardly * share) count.errors += since;
  }
  return count;
}

std::string WhyBeyond(const ErrorCount& count, double bound) {
  if (count.requests == 0 ||
      LogEvidenceAbove(count.errors, count.requests, bound) < std::log(1 / kFalseEjection))
    return "";
  return std::to_string(count.errors) + " of " + std::to_string(count.requests) +
         " requests failed while the operator was silent, beyond the bound of " +
         std::to_string(bound * 100) + "%";
}

}  // namespace penstock::router
