#include "components/train/nested.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "components/train/board.h"

namespace penstock::train {
namespace {

constexpr std::uint32_t kPartsOfAFold = 5;  // of a single fold's rows

// Some of a fold's rows held out.
struct Part {
  std::size_t fold = 0;
  std::size_t repeat = 0;
  std::vector<std::size_t> at;  // places among the fold's rows held out, ascending
};

std::vector<Part> FoldsOf(const FoldPlan& plan) {
  std::vector<Part> parts;
  for (std::size_t f = 0; f < plan.folds.size(); ++f) {
    Part& part = parts.emplace_back();
    part.fold = f;
    part.repeat = f / plan.a_repeat;
    part.at.resize(plan.folds[f].held_out.size());
    std::iota(part.at.begin(), part.at.end(), std::size_t{0});
  }
  return parts;
}

std::vector<Part> PartsOf(const Labels& labels, const Fold& fold, std::uint64_t seed) {
  std::vector<double> y;
  std::vector<std::uint32_t> group;
  for (const std::uint32_t r : fold.held_out) {
    y.push_back(labels.y[r]);
    if (!labels.group.empty()) group.push_back(labels.group[r]);
  }
  if (std::set<std::uint32_t>(group.begin(), group.end()).size() < 2) group.clear();
  const auto part_of = SpreadRows(y, labels.classification(), group, kPartsOfAFold, seed);
  std::vector<Part> parts(kPartsOfAFold);
  for (std::size_t i = 0; i < part_of.size(); ++i) parts[part_of[i]].at.push_back(i);
  std::erase_if(parts, [](const Part& part) { return part.at.empty(); });
  return parts;
}

// Losses of a candidate on a part: less is better.
struct PartLoss {
  double sum = 0;
  double weight = 0;
};

PartLoss LossOfPart(const std::string& metric, const Labels& labels, const Fold& fold,
                    const Part& part, const std::vector<double>& answers) {
  const std::size_t width = labels.target.width();
  PartLoss loss;
  if (metric == "auc") {
    std::vector<double> y;
    std::vector<double> own;
    for (const std::size_t i : part.at) {
      y.push_back(labels.y[fold.held_out[i]]);
      own.push_back(answers[i]);
    }
    const double auc = ScoreOf(metric, labels.target, own, y, {}).value;
    return std::isnan(auc) ? loss : PartLoss{1 - auc, 1};
  }
  for (const std::size_t i : part.at) {
    const std::uint32_t r = fold.held_out[i];
    const double w = labels.fit_weight.empty() ? 1 : labels.fit_weight[r];
    const std::span<const double> answer(answers.data() + i * width, width);
    loss.sum += w * LossOfRow(metric, labels.target, answer, labels.y[r]);
    loss.weight += w;
  }
  return loss;
}

// The candidate of the least mean loss over the repeat's other parts; the first of equals.
std::size_t BestOfOthers(const std::vector<Part>& parts, std::size_t own,
                         const std::vector<std::vector<PartLoss>>& losses) {
  std::size_t best = 0;
  double least = INFINITY;
  for (std::size_t c = 0; c < losses.size(); ++c) {
    PartLoss all;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (p == own || parts[p].repeat != parts[own].repeat) continue;
      all.sum += losses[c][p].sum;
      all.weight += losses[c][p].weight;
    }
    const double mean = all.weight > 0 ? all.sum / all.weight : INFINITY;
    if (!(mean < least)) continue;
    least = mean;
    best = c;
  }
  return best;
}

}  // namespace

NestedChoice ChooseSetting(const std::string& metric, const Labels& labels, const FoldPlan& plan,
                           const std::vector<Candidate>& candidates, std::uint64_t seed) {
  NestedChoice choice;
  for (const Candidate& c : candidates) {
    choice.scores.push_back(ScoreFolds(metric, labels, plan, c.answers));
    if (IsBetterChoice(metric, choice.scores.back().value, choice.scores[choice.best].value)) {
      choice.best = choice.scores.size() - 1;
    }
  }
  choice.answers = candidates[choice.best].answers;
  choice.score = choice.scores[choice.best];
  if (candidates.size() == 1) return choice;

  const auto parts = plan.folds.size() == 1 ? PartsOf(labels, plan.folds[0], seed) : FoldsOf(plan);
  std::vector<std::vector<PartLoss>> losses(candidates.size());
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    for (const Part& part : parts) {
      losses[c].push_back(LossOfPart(metric, labels, plan.folds[part.fold], part,
                                     candidates[c].answers[part.fold]));
    }
  }
  const std::size_t width = labels.target.width();
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::size_t fold = parts[p].fold;
    const auto& from = candidates[BestOfOthers(parts, p, losses)].answers[fold];
    for (const std::size_t i : parts[p].at) {
      std::copy_n(from.begin() + std::ptrdiff_t(i * width), width,
                  choice.answers[fold].begin() + std::ptrdiff_t(i * width));
    }
  }
  choice.score = ScoreFolds(metric, labels, plan, choice.answers);
  return choice;
}

}  // namespace penstock::train
