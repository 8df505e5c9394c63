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

double Price(const Table& table, const sdk::TransformSpec& recipe, std::size_t rows,
             std::size_t folds, std::vector<Entrant>& entrants) {
  double all = 0;
  for (Entrant& e : entrants) {
    const std::size_t features = FeaturesOf(recipe, e.learner->view());
    e.cost = e.learner->Cost(rows, features, table.labels.target) * double(folds) / 1000;
    all += e.cost;
  }
  return all;
}

// Marks those that a budget allows, the earlier first; how many.
std::size_t Mark(double budget, std::vector<Entrant>& entrants) {
  double spent = 0;
  std::size_t count = 0;
  for (Entrant& e : entrants) {
    e.allowed = spent + e.cost <= budget;
    if (!e.allowed) continue;
    spent += e.cost;
    ++count;
  }
  return count;
}

// Who may run. Repeats only steady the choice, so they go first; parts where fewer let more run.
void Allow(const Table& table, const sdk::TransformSpec& recipe, FoldPlan& plan,
           std::vector<Entrant>& entrants) {
  const TrainOptions& options = table.options;
  const std::size_t rows = plan.folds.front().train.size();
  const auto price = [&](std::size_t folds) { return Price(table, recipe, rows, folds, entrants); };
  if (price(plan.folds.size()) > options.budget * kShareOfRepeats && plan.repeats() > 1) {
    plan.folds.resize(plan.a_repeat);
    plan.why += "; but once, as more would cost too much of the budget";
    price(plan.folds.size());
  }
  std::size_t allowed = Mark(options.budget, entrants);
  const bool one_tells = options.folds == 0 && !plan.valid_alone && plan.repeats() == 1 &&
                         IsEnough(table.labels, plan.folds.front().held_out);
  if (allowed < entrants.size() && one_tells) {
    price(1);
    const std::size_t by_one = Mark(options.budget, entrants);
    if (by_one > allowed) {
      plan.folds.resize(1);
      plan.a_repeat = 1;
      plan.why += "; but by the first of them alone, as all would cost more than the budget";
    }
    price(plan.folds.size());
    allowed = Mark(options.budget, entrants);
  }
  if (options.model != "auto") {  // it was asked for
    for (Entrant& e : entrants) e.allowed = true;
  } else if (allowed == 0 && !entrants.empty()) {
    std::min_element(entrants.begin(), entrants.end(), [](const Entrant& a, const Entrant& b) {
      return a.cost < b.cost;
    })->allowed = true;
  }
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
