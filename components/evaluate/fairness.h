// Do groups of a protected column get other decisions? Gaps between groups with intervals. Pure.
//
//   demographicParity  rates of positive decisions: the largest less the smallest (Dwork et al.,
//                      ITCS 2012)
//   equalOpportunity   true positive rates, likewise; equalisedOdds: the larger of this gap and
//   that
//                      of the false positive rates (both Hardt, Price and Srebro, NIPS 2016)
//   fourFifths         the smallest rate of positive decisions over the largest: below 0.8 is what
//                      the US Uniform Guidelines (29 CFR 1607.4 D, 1978) take for adverse impact
//
// Of two classes; of more each class is the positive one in its turn. Null is a group that is told
// apart: it has its rates and is in no gap. Groups of fewer rows than asked are said, and in none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/evaluate/scoring.h"
#include "components/sdk/matrix.h"
#include "operator/base/json.h"

namespace penstock::evaluate {

struct FairnessOptions {
  std::size_t min_rows = 50;  // of a group
  std::size_t min_base = 10;  // rows that a rate must rest on
  double confidence = 0.95;
};

struct FairGroup {
  Json value;
  std::int64_t rows = 0;
  bool small = false;
  std::optional<double> selection;       // positive decisions of all rows; nothing: none weighs
  std::optional<double> true_positive;   // of rows with the positive label
  std::optional<double> false_positive;  // of the others
};

// The gap between the two groups in which it is largest. The interval is a bootstrap's over the
// rows of these two groups (percentiles; 1,000 resamples, of more than 10,000 rows fewer, 100 at
// least), so that it holds 0 (of fourFifths 1) where the gap may be chance.
struct FairGap {
  std::string criterion;
  std::optional<double> value;
  double low = 0;
  double high = 0;
  Json most;         // the group with the larger rate
  Json least;        // and with the smaller
  std::string rate;  // whose: "selection", "truePositive", "falsePositive"
  std::string why;   // there is no value; else empty
};

struct Fairness {
  std::string column;
  std::string positive;  // the class
  std::vector<FairGroup> groups;
  std::vector<FairGap> gaps;
};

// One for each class that may be the positive one. Nothing for a regression, and for more than 20
// classes. `by`: of the scored rows.
[[nodiscard]] std::vector<Fairness> FairnessOf(const Scored& scored, const sdk::SliceColumn& by,
                                               const FairnessOptions& options);

// {"column", "positive", "groups": [{"value", "rows", "small", "selection", ...}], "gaps":
// {criterion: {"value", "low", "high", "most", "least", "rate"}}}.
[[nodiscard]] Json ToJson(const Fairness& fairness);

// {column: {criterion: value}}: of several classes the worst. What is not defined is absent. For
// `when`: steps.evaluate.results.fairness.gender.fourFifths >= 0.8.
[[nodiscard]] Json FairnessValues(const std::vector<Fairness>& all);

}  // namespace penstock::evaluate
