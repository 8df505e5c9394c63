#include "components/train/race.h"

#include <algorithm>
#include <span>

#include "components/train/choice_metric.h"

namespace penstock::train {
namespace {

// Losses of the rows of the first folds, in their order.
std::vector<double> LossesOf(const std::string& metric, const Labels& labels, const FoldPlan& plan,
                             const std::vector<std::vector<double>>& answers, std::size_t folds) {
  const std::size_t width = labels.target.width();
  std::vector<double> losses;
  for (std::size_t f = 0; f < folds; ++f) {
    const auto& rows = plan.folds[f].held_out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::span<const double> answer(answers[f].data() + i * width, width);
      losses.push_back(LossOfRow(metric, labels.target, answer, labels.y[rows[i]]));
    }
  }
  return losses;
}

double MeanOf(const std::vector<double>& losses, const std::vector<double>& weight) {
  double sum = 0;
  double all = 0;
  for (std::size_t r = 0; r < losses.size(); ++r) {
    const double w = weight.empty() ? 1 : weight[r];
    sum += w * losses[r];
    all += w;
  }
  return all > 0 ? sum / all : 0;
}

}  // namespace

bool HasLost(const std::string& metric, const Labels& labels, const FoldPlan& plan,
             const std::vector<std::vector<double>>& leader, const std::vector<Candidate>& so_far,
             bool dear) {
  const std::size_t folds = so_far.front().answers.size();
  if (metric == "auc" || !labels.group.empty()) return false;
  if (folds < kFoldsBeforeLost && !dear) return false;
  if (folds >= plan.folds.size() || folds > plan.a_repeat) return false;
  const double allowed = !dear ? kErrorsBehind : folds < kFoldsBeforeLost ? kErrorsBehindOfDear : 0;
  std::vector<double> weight;
  for (std::size_t f = 0; f < folds && !labels.fit_weight.empty(); ++f) {
    for (const std::uint32_t r : plan.folds[f].held_out) weight.push_back(labels.fit_weight[r]);
  }
  const auto best = LossesOf(metric, labels, plan, leader, folds);
  return std::all_of(so_far.begin(), so_far.end(), [&](const Candidate& c) {
    const auto own = LossesOf(metric, labels, plan, c.answers, folds);
    const double behind = MeanOf(own, weight) - MeanOf(best, weight);
    return behind > 0 && behind >= allowed * PairedStandardError(own, best, weight);
  });
}

}  // namespace penstock::train
