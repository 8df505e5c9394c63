#include "components/drift/methods/statistic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "components/drift/methods/chi_squared.h"
#include "components/drift/methods/jensen_shannon.h"
#include "components/drift/methods/l_infinity.h"
#include "components/drift/methods/population_stability.h"

namespace penstock::drift {
namespace {

using Counts = std::span<const std::int64_t>;

constexpr std::array<std::pair<Statistic, const char*>, 7> kNames = {{
    {Statistic::kKs, "ks"},
    {Statistic::kWasserstein, "wasserstein"},
    {Statistic::kPsi, "psi"},
    {Statistic::kJensenShannon, "jensenShannon"},
    {Statistic::kLInfinity, "lInfinity"},
    {Statistic::kCramersV, "cramersV"},
    {Statistic::kPresence, "presence"},
}};

Observed Ks(const BinShape& shape, Counts reference, Counts current) {
  const double all_r = Total(reference);
  const double all_c = Total(current);
  Observed most;
  std::int64_t up_to_r = 0;
  std::int64_t up_to_c = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const bool ordered = i < shape.ordered;
    up_to_r = ordered ? up_to_r + reference[i] : reference[i];
    up_to_c = ordered ? up_to_c + current[i] : current[i];
    const double difference = std::abs(double(up_to_r) / all_r - double(up_to_c) / all_c);
    if (difference > most.value) most = {difference, i};
  }
  return most;
}

Observed BinWasserstein(const BinShape& shape, Counts reference, Counts current) {
  const double all_r = Total(reference.first(shape.ordered));
  const double all_c = Total(current.first(shape.ordered));
  if (all_r == 0 || all_c == 0) return {};
  Observed sum;
  double most = 0;
  std::int64_t up_to_r = 0;
  std::int64_t up_to_c = 0;
  for (std::size_t i = 0; i + 1 < shape.ordered; ++i) {
    up_to_r += reference[i];
    up_to_c += current[i];
    const double difference = std::abs(double(up_to_r) / all_r - double(up_to_c) / all_c);
    const double part = difference * (shape.positions[i + 1] - shape.positions[i]) / shape.scale;
    sum.value += part;
    if (part > most) {
      most = part;
      sum.at = i;
    }
  }
  return sum;
}

Observed Presence(Counts reference, Counts current) {
  const auto all_r = double(reference.back());
  const auto all_c = double(current.back());
  if (all_r == 0 || all_c == 0) return {};
  Observed most;
  for (std::size_t i = 0; i + 1 < reference.size(); ++i) {
    const double difference = std::abs(double(reference[i]) / all_r - double(current[i]) / all_c);
    if (difference > most.value) most = {difference, i};
  }
  return most;
}

}  // namespace

const char* Name(Statistic statistic) {
  for (const auto& [value, name] : kNames) {
    if (value == statistic) return name;
  }
  return "";
}

std::optional<Statistic> ParseStatistic(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (name == known) return value;
  }
  return std::nullopt;
}

double DefaultFloor(Statistic statistic) {
  switch (statistic) {
    case Statistic::kKs:
    case Statistic::kLInfinity:
    case Statistic::kPresence:
      return 0.05;
    case Statistic::kWasserstein:
    case Statistic::kPsi:
    case Statistic::kJensenShannon:
    case Statistic::kCramersV:
      return 0.1;
  }
  return 0.1;
}

Observed Evaluate(Statistic statistic, const BinShape& shape, Counts reference, Counts current) {
  switch (statistic) {
    case Statistic::kKs:
      return Ks(shape, reference, current);
    case Statistic::kWasserstein:
      return BinWasserstein(shape, reference, current);
    case Statistic::kPsi: {
      const Stability psi = PopulationStability(reference, current);
      return {psi.value, psi.at};
    }
    case Statistic::kJensenShannon:
      return {ValueOf(statistic, shape, reference, current), LInfinity(reference, current).at};
    case Statistic::kLInfinity: {
      const Largest largest = LInfinity(reference, current);
      return {largest.value, largest.at};
    }
    case Statistic::kCramersV:
      return {ValueOf(statistic, shape, reference, current), LInfinity(reference, current).at};
    case Statistic::kPresence:
      return Presence(reference, current);
  }
  return {};
}

double ValueOf(Statistic statistic, const BinShape& shape, Counts reference, Counts current) {
  if (statistic == Statistic::kJensenShannon) return std::sqrt(JensenShannon(reference, current));
  if (statistic == Statistic::kCramersV)
    return std::sqrt(ChiSquaredValue(reference, current) / (Total(reference) + Total(current)));
  return Evaluate(statistic, shape, reference, current).value;
}

double TailBound(Statistic statistic, std::size_t bins, double value, double n, double m) {
  const bool bounded = statistic == Statistic::kKs || statistic == Statistic::kLInfinity ||
                       statistic == Statistic::kPresence;
  if (!bounded) return 1;
  // The share of a set within the larger side is off from that of all rows by value * smaller /
  // (n + m); either direction.
  const double larger = std::max(n, m);
  const double off = value * std::min(n, m) / (n + m);
  return std::min(1.0, 2 * double(bins) * std::exp(-2 * larger * off * off));
}

}  // namespace penstock::drift
