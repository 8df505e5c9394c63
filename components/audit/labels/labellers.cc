#include "components/audit/labels/labellers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "components/sdk/row_hash.h"

namespace penstock::audit {
namespace {

using Items = std::vector<std::uint32_t>;

constexpr std::size_t kMostDrawn = 2'000'000;

// How often each class was given to an item.
std::vector<double> CountsOf(const Labelled& labelled, std::uint32_t item) {
  std::vector<double> counts(labelled.classes);
  for (const auto label : labelled.labels[item]) {
    if (label != kNoLabel) counts[label] += 1;
  }
  return counts;
}

double SumOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double DistanceOf(const Labelled& labelled, std::size_t a, std::size_t b) {
  if (labelled.values.empty()) return a == b ? 0 : 1;
  const double apart = labelled.values[a] - labelled.values[b];
  return apart * apart;
}

// Sum over pairs of classes of counts and distance: twice of unordered pairs.
double DistancesOf(const Labelled& labelled, const std::vector<double>& counts) {
  double sum = 0;
  for (std::size_t a = 0; a < counts.size(); ++a) {
    for (std::size_t b = 0; counts[a] > 0 && b < counts.size(); ++b) {
      sum += counts[a] * counts[b] * DistanceOf(labelled, a, b);
    }
  }
  return sum;
}

using Measure = std::function<std::optional<double>(const Items&)>;

std::optional<Agreement> WithInterval(const std::string& name, std::string who, std::size_t items,
                                      double confidence, std::uint64_t seed,
                                      const Measure& measure) {
  Items all(items);
  std::iota(all.begin(), all.end(), 0);
  const auto value = measure(all);
  if (!value) return std::nullopt;
  const std::size_t resamples =
      std::clamp<std::size_t>(kMostDrawn / std::max<std::size_t>(1, items), 100, 1000);
  std::vector<double> drawn;
  Items some(items);
  for (std::size_t n = 0; n < resamples; ++n) {
    for (std::size_t i = 0; i < items; ++i) {
      const double u = sdk::UnitInterval(sdk::MixBits(sdk::MixBits(seed ^ n) + i));
      some[i] = std::uint32_t(u * double(items));
    }
    if (const auto v = measure(some)) drawn.push_back(*v);
  }
  Agreement agreement{name, std::move(who), *value, *value, *value, std::int64_t(items)};
  if (drawn.size() * 10 < resamples * 9) return agreement;
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&](double p) {
    return drawn[std::size_t(std::llround(p * double(drawn.size() - 1)))];
  };
  agreement.low = at((1 - confidence) / 2);
  agreement.high = at((1 + confidence) / 2);
  return agreement;
}

}  // namespace

std::optional<double> CohenKappa(const Labelled& labelled, std::size_t a, std::size_t b,
                                 const Items& items) {
  std::vector<double> of_a(labelled.classes);
  std::vector<double> of_b(labelled.classes);
  double equal = 0;
  for (const auto item : items) {
    const auto x = labelled.labels[item][a];
    const auto y = labelled.labels[item][b];
    if (x == kNoLabel || y == kNoLabel) continue;
    of_a[x] += 1;
    of_b[y] += 1;
    equal += x == y ? 1 : 0;
  }
  const double n = SumOf(of_a);
  if (n == 0) return std::nullopt;
  double by_chance = 0;
  for (std::size_t k = 0; k < of_a.size(); ++k) by_chance += of_a[k] * of_b[k] / (n * n);
  if (by_chance >= 1) return std::nullopt;
  return (equal / n - by_chance) / (1 - by_chance);
}

std::optional<double> FleissKappa(const Labelled& labelled, const Items& items) {
  const auto raters = double(labelled.labellers.size());
  std::vector<double> given(labelled.classes);
  double n = 0;
  double agreement = 0;
  for (const auto item : items) {
    const auto counts = CountsOf(labelled, item);
    if (raters < 2 || SumOf(counts) != raters) continue;
    n += 1;
    double squares = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) {
      squares += counts[k] * counts[k];
      given[k] += counts[k];
    }
    agreement += (squares - raters) / (raters * (raters - 1));
  }
  if (n == 0) return std::nullopt;
  double by_chance = 0;
  for (const double g : given) by_chance += std::pow(g / (n * raters), 2);
  if (by_chance >= 1) return std::nullopt;
  return (agreement / n - by_chance) / (1 - by_chance);
}

std::optional<double> KrippendorffAlpha(const Labelled& labelled, const Items& items) {
  std::vector<double> given(labelled.classes);
  double seen = 0;
  for (const auto item : items) {
    const auto counts = CountsOf(labelled, item);
    const double n = SumOf(counts);
    if (n < 2) continue;
    for (std::size_t k = 0; k < counts.size(); ++k) given[k] += counts[k];
    seen += DistancesOf(labelled, counts) / (n - 1);
  }
  const double all = SumOf(given);
  const double by_chance = all > 1 ? DistancesOf(labelled, given) / (all - 1) : 0;
  if (!(by_chance > 0)) return std::nullopt;
  return 1 - seen / by_chance;
}

std::optional<double> PercentAgreement(const Labelled& labelled, const Items& items) {
  double pairs = 0;
  double equal = 0;
  for (const auto item : items) {
    const auto counts = CountsOf(labelled, item);
    const double n = SumOf(counts);
    pairs += n * (n - 1);
    for (const double c : counts) equal += c * (c - 1);
  }
  if (pairs == 0) return std::nullopt;
  return equal / pairs;
}

std::vector<Agreement> AgreementsOf(const Labelled& labelled, double confidence,
                                    std::uint64_t seed) {
  constexpr std::size_t kMostPaired = 10;
  const std::size_t items = labelled.labels.size();
  std::vector<Agreement> agreements;
  const auto add = [&](const char* name, const std::string& who, const Measure& measure) {
    auto found = WithInterval(name, who, items, confidence, seed, measure);
    if (found) agreements.push_back(*std::move(found));
  };
  add("krippendorff", "", [&](const Items& some) { return KrippendorffAlpha(labelled, some); });
  add("percent", "", [&](const Items& some) { return PercentAgreement(labelled, some); });
  add("fleiss", "", [&](const Items& some) { return FleissKappa(labelled, some); });
  const std::size_t paired = std::min(kMostPaired, labelled.labellers.size());
  for (std::size_t a = 0; a < paired; ++a) {
    for (std::size_t b = a + 1; b < paired; ++b) {
      add("cohen", labelled.labellers[a] + ", " + labelled.labellers[b],
          [&](const Items& some) { return CohenKappa(labelled, a, b, some); });
    }
  }
  return agreements;
}

void SayAgreement(const std::vector<Agreement>& agreements, double least, Findings* findings) {
  for (const auto& a : agreements) {
    if (a.measure != "krippendorff" || a.value >= least) continue;
    const bool surely = a.high < least;
    findings->Add({"labellers", surely ? Severity::kError : Severity::kWarning, "labellers",
                   "those who label agree too little: Krippendorff's alpha is " + Short(a.value) +
                       " (" + Short(a.low) + " to " + Short(a.high) + ") of " +
                       std::to_string(a.items) + " items, and " + Short(least) +
                       " is asked; no model is better than its labels. Look at the items on which "
                       "they differ, and say more clearly what a label means",
                   ToJson(a)});
  }
}

Json ToJson(const Agreement& a) {
  Json json = {{"measure", a.measure},
               {"value", a.value},
               {"low", a.low},
               {"high", a.high},
               {"items", a.items}};
  if (!a.who.empty()) json["labellers"] = a.who;
  return json;
}

}  // namespace penstock::audit
