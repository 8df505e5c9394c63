// Do those who label agree? Pure; intervals by bootstrap over items, deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"

namespace penstock::audit {

inline constexpr std::uint32_t kNoLabel = 0xFFFFFFFFU;

// labels[item][labeller]: a class below `classes`, or kNoLabel. `values`: of the classes as
// numbers, for distances of ordered labels; else empty.
struct Labelled {
  std::vector<std::vector<std::uint32_t>> labels;
  std::vector<std::string> labellers;
  std::size_t classes = 0;
  std::vector<double> values = {};
};

struct Agreement {
  std::string measure;  // "percent", "cohen", "fleiss", "krippendorff"
  std::string who;      // "a, b" of two; else empty
  double value = 0;
  double low = 0;  // percentile interval
  double high = 0;
  std::int64_t items = 0;
};

// Nothing where it is not defined: no item with two labels, or chance alone agrees always.
//   Cohen (Educational and Psychological Measurement 20, 1960): (po - pe) / (1 - pe) of two
//   labellers, on items that both labelled
[[nodiscard]] std::optional<double> CohenKappa(const Labelled& labelled, std::size_t a,
                                               std::size_t b,
                                               const std::vector<std::uint32_t>& items);
//   Fleiss (Psychological Bulletin 76, 1971): of items that all labelled
[[nodiscard]] std::optional<double> FleissKappa(const Labelled& labelled,
                                                const std::vector<std::uint32_t>& items);
//   Krippendorff's alpha (Content Analysis, 2004, chapter 11): of any number of labels an item;
//   nominal, or interval where `values` are there
[[nodiscard]] std::optional<double> KrippendorffAlpha(const Labelled& labelled,
                                                      const std::vector<std::uint32_t>& items);
// The share of pairs of labels of an item that are equal.
[[nodiscard]] std::optional<double> PercentAgreement(const Labelled& labelled,
                                                     const std::vector<std::uint32_t>& items);

// All of them (of each pair of at most 10 labellers Cohen's), each with the interval of 1,000
// resamples of the items (of more than 2,000 items fewer, 100 at least: 2 million items drawn).
[[nodiscard]] std::vector<Agreement> AgreementsOf(const Labelled& labelled, double confidence,
                                                  std::uint64_t seed);

// Finding labellers: an error where alpha's upper bound is below `least`, a warning where its value
// is.
void SayAgreement(const std::vector<Agreement>& agreements, double least, Findings* findings);

[[nodiscard]] Json ToJson(const Agreement& agreement);

}  // namespace penstock::audit
