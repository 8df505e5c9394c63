// A learner's choice among its settings, judged by rows that had no part in it. Pure.
//
// The best of many settings owes part of its score to luck with the very rows that it was best on,
// and a learner of many settings more of it than one of few, so that the best scores of learners
// cannot be compared (Cawley, Talbot: On Over-fitting in Model Selection, Journal of Machine
// Learning Research 11, 2010). So each part of the rows held out is answered by the setting that is
// best on the other parts (Stone: Cross-validatory Choice and Assessment, Journal of the Royal
// Statistical Society B 36, 1974), and these answers are what a learner is judged by; what is
// fitted at the end is the setting that is best on all parts. The parts are a repeat's folds, or
// five of the rows where there is one fold. What is left: another part's answers are of a model
// that this part's rows helped to fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/train/choice_metric.h"
#include "components/train/folds.h"
#include "components/train/trials.h"

namespace penstock::train {

struct NestedChoice {
  std::size_t best = 0;       // of the candidates, by all rows; the first of equals
  std::vector<Score> scores;  // of each candidate, by all rows
  std::vector<std::vector<double>>
      answers;  // by fold, of its rows held out: each part's own choice
  Score score;  // of these answers
};

// `candidates`: of one learner, at least one, each with answers to every fold of `plan`. `seed`:
// chooses the parts of a single fold.
[[nodiscard]] NestedChoice ChooseSetting(const std::string& metric, const Labels& labels,
                                         const FoldPlan& plan,
                                         const std::vector<Candidate>& candidates,
                                         std::uint64_t seed);

}  // namespace penstock::train
