#include "components/drift/null/hypergeometric.h"

#include <algorithm>
#include <cmath>

namespace penstock::drift {
namespace {

constexpr std::size_t kTable = std::size_t{1} << 20;
constexpr double kInversionMean = 12;  // below, few steps from 0 are cheaper than logarithms

std::int64_t Invert(std::int64_t good, std::int64_t total, std::int64_t draws,
                    const LogFactorials& logs, Random& random) {
  const std::int64_t bad = total - good;
  double p = std::exp(logs[bad] + logs[total - draws] - logs[total] - logs[bad - draws]);
  double u = random.Unit();
  const std::int64_t most = std::min(good, draws);
  std::int64_t x = 0;
  for (; u > p && x < most; ++x) {
    u -= p;
    p *= double(good - x) * double(draws - x) / (double(x + 1) * double(bad - draws + x + 1));
  }
  return x;
}

// See the header. `good` and `draws` are at most half of `total`.
std::int64_t RatioOfUniforms(std::int64_t good, std::int64_t total, std::int64_t draws,
                             const LogFactorials& logs, Random& random) {
  const auto n = double(draws);
  const double share = double(good) / double(total);
  const double mean = n * share;
  const double variance = mean * (1 - share) * (double(total) - n) / (double(total) - 1);
  // The hat's half width: 2 sqrt(2 / e) of a deviation, and what steps of one need.
  const double width = 1.7155277699214135 * std::sqrt(variance + 0.5) + 0.8989161620588988;
  const auto mode = std::int64_t((n + 1) * (double(good) + 1) / (double(total) + 2));
  const std::int64_t rest = total - good - draws;
  const auto log_weight = [&](std::int64_t x) {
    return -(logs[x] + logs[good - x] + logs[draws - x] + logs[rest + x]);
  };
  const double at_mode = log_weight(mode);
  const auto end = double(std::min(good, draws) + 1);
  for (;;) {
    const double u = random.Unit();
    const double w = mean + 0.5 + width * (random.Unit() - 0.5) / u;
    if (w < 0 || w >= end) continue;
    const auto x = std::int64_t(w);
    const double log_ratio = log_weight(x) - at_mode;
    if (u * (4 - u) - 3 <= log_ratio) return x;  // for sure
    if (u * (u - log_ratio) >= 1) continue;      // for sure not
    if (2 * std::log(u) <= log_ratio) return x;
  }
}

}  // namespace

LogFactorials::LogFactorials(std::size_t most) : values_(std::min(most + 1, kTable), 0) {
  for (std::size_t n = 2; n < values_.size(); ++n) {
    // A sum of logarithms would gather rounding; a Stirling series has none beyond n = 256.
    values_[n] = n < 256 ? values_[n - 1] + std::log(double(n)) : Series(double(n));
  }
}

double LogFactorials::Series(double n) {
  return (n + 0.5) * std::log(n) - n + 0.91893853320467274178 + 1 / (12 * n) -
         1 / (360 * n * n * n);
}

std::int64_t DrawHypergeometric(std::int64_t good, std::int64_t total, std::int64_t draws,
                                const LogFactorials& logs, Random& random) {
  // Of the bad ones, and of those that are left, the same is known.
  if (2 * good > total) {
    return draws - DrawHypergeometric(total - good, total, draws, logs, random);
  }
  if (2 * draws > total) {
    return good - DrawHypergeometric(good, total, total - draws, logs, random);
  }
  if (good == 0 || draws == 0) return 0;
  const double mean = double(good) * double(draws) / double(total);
  return mean < kInversionMean ? Invert(good, total, draws, logs, random)
                               : RatioOfUniforms(good, total, draws, logs, random);
}

void DrawBins(std::span<const std::int64_t> pooled, std::int64_t total, std::int64_t draws,
              const LogFactorials& logs, Random& random, std::span<std::int64_t> drawn) {
  for (std::size_t i = 0; i < pooled.size(); ++i) {
    if (pooled[i] == total) {  // the last bin with rows takes the rest
      drawn[i] = draws;
    } else {
      drawn[i] = DrawHypergeometric(pooled[i], total, draws, logs, random);
    }
    total -= pooled[i];
    draws -= drawn[i];
  }
}

}  // namespace penstock::drift
