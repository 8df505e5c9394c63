#include "components/train/board.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace penstock::train {
namespace {

std::vector<double> Of(const std::vector<double>& all, const std::vector<std::uint32_t>& rows) {
  std::vector<double> some;
  if (all.empty()) return some;
  some.reserve(rows.size());
  for (const std::uint32_t r : rows) some.push_back(all[r]);
  return some;
}

// The mean of folds that each have a value. Its standard error is that of one repeat, since repeats
// are of the same rows.
Score MeanOfFolds(const std::vector<Score>& folds, std::size_t a_repeat) {
  if (folds.size() == 1) return folds.front();
  Score score;
  double all = 0;
  double count_all = 0;
  double variance = 0;
  double repeats = 0;
  for (std::size_t first = 0; first < folds.size(); first += a_repeat) {
    double sum = 0;
    double squares = 0;
    double count = 0;
    for (std::size_t f = first; f < std::min(first + a_repeat, folds.size()); ++f) {
      const double value = folds[f].value;
      if (std::isnan(value)) continue;
      sum += value;
      squares += value * value;
      count += 1;
    }
    all += sum;
    count_all += count;
    if (count < 2) continue;
    variance += std::max(squares - sum * sum / count, 0.0) / (count - 1) / count;
    repeats += 1;
  }
  score.value = count_all > 0 ? all / count_all : std::nan("");
  if (repeats > 0) score.standard_error = std::sqrt(variance / repeats);
  return score;
}

// The rows that are held out, ascending.
std::vector<std::uint32_t> HeldOut(const FoldPlan& plan) {
  std::vector<std::uint32_t> rows;
  for (std::size_t f = 0; f < plan.a_repeat; ++f) {
    rows.insert(rows.end(), plan.folds[f].held_out.begin(), plan.folds[f].held_out.end());
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

// What a line stands by.
const std::optional<Score>& Shown(const BoardLine& line) {
  return line.nested ? line.nested : line.score;
}

// What a line is read by: worse ones are larger.
double Order(const std::string& metric, const BoardLine& line) {
  const double value = Shown(line)->value;
  if (std::isnan(value)) return INFINITY;
  return metric == "auc" || metric == "accuracy" ? -value : value;
}

}  // namespace

Score ScoreFolds(const std::string& metric, const Labels& labels, const FoldPlan& plan,
                 const std::vector<std::vector<double>>& answers) {
  std::vector<Score> folds;
  for (std::size_t f = 0; f < plan.folds.size(); ++f) {
    const auto& rows = plan.folds[f].held_out;
    folds.push_back(ScoreOf(metric, labels.target, answers[f], Of(labels.y, rows),
                            Of(labels.fit_weight, rows)));
  }
  if (metric == "auc") return MeanOfFolds(folds, plan.a_repeat);
  std::vector<double> sums(labels.rows(), 0);
  for (std::size_t f = 0; f < plan.folds.size(); ++f) {
    const auto& rows = plan.folds[f].held_out;
    for (std::size_t i = 0; i < rows.size(); ++i) sums[rows[i]] += folds[f].losses[i];
  }
  const auto held_out = HeldOut(plan);
  auto losses = Of(sums, held_out);
  for (double& loss : losses) loss /= double(plan.repeats());
  return ScoreOfLosses(metric, std::move(losses), Of(labels.fit_weight, held_out));
}

Score ScoreDummy(const std::string& metric, const Labels& labels, const FoldPlan& plan) {
  std::vector<std::vector<double>> answers;
  for (const Fold& fold : plan.folds) {
    const auto one =
        ConstantAnswer(labels.target, Of(labels.y, fold.train), Of(labels.fit_weight, fold.train));
    std::vector<double> all;
    all.reserve(fold.held_out.size() * one.size());
    for (std::size_t r = 0; r < fold.held_out.size(); ++r) {
      all.insert(all.end(), one.begin(), one.end());
    }
    answers.push_back(std::move(all));
  }
  return ScoreFolds(metric, labels, plan, answers);
}

std::optional<std::size_t> MarkBest(const Labels& labels, const FoldPlan& plan, Board& board) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < board.lines.size(); ++i) {
    const BoardLine& line = board.lines[i];
    if (!line.nested) continue;
    if (!best ||
        IsBetterChoice(board.metric, line.nested->value, board.lines[*best].nested->value)) {
      best = i;
    }
  }
  if (!best) return best;
  const Score& chosen = *board.lines[*best].nested;
  const auto weight = Of(labels.fit_weight, HeldOut(plan));
  for (std::size_t i = 0; i < board.lines.size(); ++i) {
    BoardLine& line = board.lines[i];
    line.chosen = i == *best;
    if (!line.nested || line.chosen) continue;
    line.behind = std::abs(line.nested->value - chosen.value);
    if (line.nested->losses.empty() || line.nested->losses.size() != chosen.losses.size()) continue;
    double error = PairedStandardError(line.nested->losses, chosen.losses, weight);
    // Of the means of squares; of their roots by linearisation.
    const double roots = line.nested->value + chosen.value;
    if (board.metric == "rmse") error = roots > 0 ? error / roots : 0;
    line.behind_error = error;
  }
  board.beats_dummy = IsBetterChoice(board.metric, chosen.value, board.dummy.value);
  return best;
}

std::vector<const BoardLine*> Ranked(const Board& board, std::size_t most) {
  std::vector<const BoardLine*> lines;
  for (const BoardLine& line : board.lines) lines.push_back(&line);
  std::stable_sort(lines.begin(), lines.end(), [&](const BoardLine* a, const BoardLine* b) {
    if (a->chosen != b->chosen) return a->chosen;
    if (a->nested.has_value() != b->nested.has_value()) return a->nested.has_value();
    if (a->score.has_value() != b->score.has_value()) return a->score.has_value();
    return a->score && Order(board.metric, *a) < Order(board.metric, *b);
  });
  std::map<std::string, std::size_t> seen;
  std::erase_if(lines, [&](const BoardLine* line) { return ++seen[line->learner] > most; });
  return lines;
}

Json ToJson(const Board& board, std::size_t most) {
  Json lines = Json::array();
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(); };
  for (const BoardLine* line : Ranked(board, most)) {
    Json j = {{"learner", line->learner}, {"chosen", line->chosen}};
    if (!line->setting.empty()) j["setting"] = line->setting;
    if (line->log_target) j["logTarget"] = true;
    if (line->rounds) j["rounds"] = number(*line->rounds);
    if (const auto& score = Shown(*line)) {
      j["value"] = number(score->value);
      j["standardError"] = number(score->standard_error);
      j["nested"] = line->nested.has_value();
    }
    if (line->behind) j["behind"] = number(*line->behind);
    if (line->behind_error) j["behindStandardError"] = number(*line->behind_error);
    if (!line->problem.empty()) j[line->failed ? "error" : "leftOut"] = line->problem;
    lines.push_back(std::move(j));
  }
  return lines;
}

}  // namespace penstock::train
