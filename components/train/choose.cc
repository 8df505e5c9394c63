#include "components/train/choose.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kShareOfRepeats = 0.1;  // of the budget: folds are repeated within it only

struct Entrant {
  const Learner* learner = nullptr;
  bool log_target = false;
  double cost = 0;  // of all folds, in 1e9 multiply-adds
  bool allowed = true;
};

std::vector<Entrant> Entrants(const Table& table,
                              const std::vector<std::unique_ptr<Learner>>& learners) {
  const std::string& wanted = table.options.log_target;
  const bool possible =
      !table.labels.classification() && table.labels.target.loss == Loss::kSquared;
  const bool log = possible && (wanted == "always" || (wanted == "auto" && IsSkewed(table.labels)));
  std::vector<Entrant> entrants;
  for (const auto& learner : learners) {
    if (!log || wanted == "auto") entrants.push_back({learner.get(), false, 0, true});
    if (log) entrants.push_back({learner.get(), true, 0, true});
  }
  return entrants;
}

// A view that the recipe does not have costs nothing: its learner fails at once, and says why.
std::size_t FeaturesOf(const sdk::TransformSpec& recipe, sdk::View view) {
  const auto transform = sdk::Transform::Make(recipe, view);
  return transform ? transform->width() : 0;
}

// Who may run. Repeats only steady the choice, so they go first.
void Allow(const Table& table, const sdk::TransformSpec& recipe, FoldPlan& plan,
           std::vector<Entrant>& entrants) {
  const auto price = [&] {
    double all = 0;
    for (Entrant& e : entrants) {
      const std::size_t features = FeaturesOf(recipe, e.learner->view());
      e.cost = e.learner->Cost(plan.folds.front().train.size(), features, table.labels.target) *
               double(plan.folds.size()) / 1000;
      all += e.cost;
    }
    return all;
  };
  if (price() > table.options.budget * kShareOfRepeats && plan.repeats() > 1) {
    plan.folds.resize(plan.a_repeat);
    plan.why += "; but once, as more would cost too much of the budget";
  }
  const bool one_part_tells = table.options.folds == 0 && !plan.valid_alone &&
                              IsEnough(table.labels, plan.folds.front().held_out);
  if (price() > table.options.budget && one_part_tells) {
    plan.folds.resize(1);
    plan.a_repeat = 1;
    plan.why += "; but by the first of them alone, as all would cost more than the budget";
    price();
  }
  if (table.options.model != "auto") return;  // it was asked for
  double spent = 0;
  bool any = false;
  for (Entrant& e : entrants) {
    e.allowed = spent + e.cost <= table.options.budget;
    if (e.allowed) spent += e.cost;
    any = any || e.allowed;
  }
  if (any || entrants.empty()) return;
  std::min_element(entrants.begin(), entrants.end(), [](const Entrant& a, const Entrant& b) {
    return a.cost < b.cost;
  })->allowed = true;
}

std::string Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

void AddLine(const Entrant& e, const std::string& problem, bool failed, Board& board) {
  BoardLine line;
  line.learner = e.learner->name();
  line.log_target = e.log_target;
  line.problem = problem;
  line.failed = failed;
  board.lines.push_back(std::move(line));
}

Error AllFailed(const Board& board) {
  std::string text = "no candidate could be trained:";
  for (const BoardLine& line : board.lines) {
    if (line.failed) text += " " + line.learner + ": " + line.problem + ";";
  }
  text.pop_back();
  return Invalid(text);
}

// As soon as it can be seen: the first candidate does not beat a constant.
void WarnEarly(const Table& table, const Board& board) {
  double best = std::nan("");
  for (const BoardLine& line : board.lines) {
    if (line.score && IsBetterChoice(board.metric, line.score->value, best)) {
      best = line.score->value;
    }
  }
  if (std::isnan(best) || IsBetterChoice(board.metric, best, board.dummy.value)) return;
  table.around.Say("warning",
                   {{"what",
                     "no candidate so far beats a constant answer: do the features tell of "
                     "the label, and are the labels right?"},
                    {"metric", board.metric},
                    {"best", best},
                    {"dummy", board.dummy.value}});
}

}  // namespace

Result<Choice> Choose(const Table& table, FoldPlan plan,
                      const std::vector<std::unique_ptr<Learner>>& learners,
                      const sdk::TransformSpec& recipe) {
  Choice choice;
  Board& board = choice.board;
  PENSTOCK_ASSIGN(board.metric, ChoiceMetric(table.options.metric, table.labels.target));
  if (table.options.log_target == "always" &&
      *std::min_element(table.labels.y.begin(), table.labels.y.end()) <= 0) {
    return Invalid("parameter logTarget: label '" + table.labels.label.column +
                   "' is 0 or less in some row, and has no logarithm there");
  }
  auto entrants = Entrants(table, learners);
  Allow(table, recipe, plan, entrants);
  table.around.Say("folds", {{"what", plan.why}});
  board.dummy = ScoreDummy(board.metric, table.labels, plan);
  const bool keep = plan.valid_alone && !table.options.refit;
  const double begin = table.options.max_time ? table.around.seconds() : 0;
  std::optional<double> best_value;  // of choice.best, as MarkBest will find it
  bool any = false;
  for (const Entrant& e : entrants) {
    if (!e.allowed) {
      AddLine(e,
              "it costs " + Rounded(e.cost) + " of a budget of " + Rounded(table.options.budget) +
                  "; raise budget, or name it by model",
              false, board);
      continue;
    }
    if (any && table.options.max_time && table.around.seconds() - begin > *table.options.max_time) {
      AddLine(e, "maxTime was over", false, board);
      board.truncated = true;
      continue;
    }
    auto tried = TryLearner(table, plan, *e.learner, e.log_target, keep);
    any = true;
    if (!tried) {
      if (tried.error().kind == ErrorKind::kCancelled) return tried.error();
      AddLine(e, tried.error().message, true, board);
      table.around.Say("failed",
                       {{"learner", e.learner->name()}, {"error", tried.error().message}});
      continue;
    }
    for (Candidate& c : *tried) {
      BoardLine line;
      line.learner = e.learner->name();
      line.log_target = e.log_target;
      line.setting = c.setting;
      line.rounds = c.rounds;
      line.score = ScoreFolds(board.metric, table.labels, plan, c.answers);
      if (!best_value || IsBetterChoice(board.metric, line.score->value, *best_value)) {
        best_value = line.score->value;
        choice.best = std::move(c);
      }
      board.lines.push_back(std::move(line));
    }
    table.around.Say("candidate", {{"learner", e.learner->name()},
                                   {"logTarget", e.log_target},
                                   {"settings", tried->size()},
                                   {"metric", board.metric},
                                   {"best", best_value.value_or(0)},
                                   {"dummy", board.dummy.value}});
    WarnEarly(table, board);
  }
  if (!MarkBest(table.labels, plan, board)) return AllFailed(board);
  choice.plan = std::move(plan);
  return choice;
}

}  // namespace penstock::train
