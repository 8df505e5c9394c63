#include "components/train/choose.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/train/nested.h"
#include "components/train/race.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kShareOfRepeats = 0.1;  // of the budget: folds are repeated within it only
constexpr double kDear = 0.3;  // 1e9 multiply-adds of a fold: about a third of a second of a core

struct Entrant {
  const Learner* learner = nullptr;
  bool log_target = false;
  double a_fold = 0;  // what one costs, in 1e9 multiply-adds
  bool once = false;  // judged by the first repeat alone
  bool allowed = true;

  [[nodiscard]] double Cost(const FoldPlan& plan) const {
    return a_fold * double(once ? plan.a_repeat : plan.folds.size());
  }
};

std::vector<Entrant> Entrants(const Table& table,
                              const std::vector<std::unique_ptr<Learner>>& learners) {
  const std::string& wanted = table.options.log_target;
  const bool possible =
      !table.labels.classification() && table.labels.target.loss == Loss::kSquared;
  const bool log = possible && (wanted == "always" || (wanted == "auto" && IsSkewed(table.labels)));
  std::vector<Entrant> entrants;
  for (const auto& learner : learners) {
    if (!log || wanted == "auto") entrants.push_back({learner.get(), false});
    if (log) entrants.push_back({learner.get(), true});
  }
  return entrants;
}

// A view that the recipe does not have costs nothing: its learner fails at once, and says why.
std::vector<sdk::Feature> FeaturesOf(const sdk::TransformSpec& recipe, sdk::View view) {
  const auto transform = sdk::Transform::Make(recipe, view);
  return transform ? transform->features() : std::vector<sdk::Feature>();
}

// Marks those that a budget allows, the earlier first; how many.
std::size_t Mark(const FoldPlan& plan, double budget, std::vector<Entrant>& entrants) {
  double spent = 0;
  std::size_t count = 0;
  for (Entrant& e : entrants) {
    e.allowed = spent + e.Cost(plan) <= budget;
    if (!e.allowed) continue;
    spent += e.Cost(plan);
    ++count;
  }
  return count;
}

// Repeats only steady the choice, so that each learner has them within a share of the budget.
void AllowRepeats(double budget, FoldPlan& plan, std::vector<Entrant>& entrants) {
  if (plan.repeats() < 2) return;
  std::string once;
  for (Entrant& e : entrants) {
    e.once = e.Cost(plan) > budget * kShareOfRepeats;
    if (e.once && !e.log_target) once += (once.empty() ? "" : " and ") + e.learner->name();
  }
  if (!once.empty()) plan.why += "; " + once + " but once, as more would cost too much";
}

// Who may run. First go repeats; parts where fewer let more run.
void Allow(const Table& table, const sdk::TransformSpec& recipe, FoldPlan& plan,
           std::vector<Entrant>& entrants) {
  const TrainOptions& options = table.options;
  const std::size_t rows = plan.folds.front().train.size() + plan.folds.front().held_out.size();
  for (Entrant& e : entrants) {
    const auto features = FeaturesOf(recipe, e.learner->view());
    e.a_fold = e.learner->Cost(rows, features, table.labels.target) / 1000;
  }
  AllowRepeats(options.budget, plan, entrants);
  const std::size_t allowed = Mark(plan, options.budget, entrants);
  const bool one_tells = options.folds == 0 && !plan.valid_alone && plan.repeats() == 1 &&
                         IsEnough(table.labels, plan.folds.front().held_out);
  if (allowed < entrants.size() && one_tells) {
    FoldPlan one = plan;
    one.folds.resize(1);
    one.a_repeat = 1;
    one.why += "; but by the first of them alone, as all would cost more than the budget";
    if (Mark(one, options.budget, entrants) > allowed) {
      plan = std::move(one);
    } else {
      Mark(plan, options.budget, entrants);
    }
  }
  if (options.model != "auto") {  // it was asked for
    for (Entrant& e : entrants) e.allowed = true;
  } else if (std::none_of(entrants.begin(), entrants.end(), [](auto& e) { return e.allowed; })) {
    std::min_element(entrants.begin(), entrants.end(), [](const Entrant& a, const Entrant& b) {
      return a.a_fold < b.a_fold;
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

// A learner's settings onto the board; its best one, where it is better than others' so far.
void AddTried(const Table& table, const FoldPlan& plan, std::vector<Candidate> tried,
              std::optional<double>& best_value, Choice& choice) {
  Board& board = choice.board;
  NestedChoice nested =
      ChooseSetting(board.metric, table.labels, plan, tried, std::uint64_t(table.options.seed));
  for (std::size_t i = 0; i < tried.size(); ++i) {
    BoardLine line;
    line.learner = tried[i].learner->name();
    line.log_target = tried[i].log_target;
    line.setting = tried[i].setting;
    line.rounds = tried[i].rounds;
    line.score = std::move(nested.scores[i]);
    line.score->losses.clear();
    if (i == nested.best) line.nested = nested.score;
    board.lines.push_back(std::move(line));
  }
  if (best_value && !IsBetterChoice(board.metric, nested.score.value, *best_value)) return;
  best_value = nested.score.value;
  choice.best = std::move(tried[nested.best]);
  choice.best.answers = std::move(nested.answers);
}

// As soon as it can be seen: the first candidate does not beat a constant.
void WarnEarly(const Table& table, const Board& board) {
  double best = std::nan("");
  for (const BoardLine& line : board.lines) {
    if (line.nested && IsBetterChoice(board.metric, line.nested->value, best)) {
      best = line.nested->value;
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
  FoldPlan once = plan;
  once.folds.resize(plan.a_repeat);
  for (const Entrant& e : entrants) {
    if (!e.allowed) {
      AddLine(e,
              "it costs " + Rounded(e.Cost(plan)) + " of a budget of " +
                  Rounded(table.options.budget) + "; raise budget, or name it by model",
              false, board);
      continue;
    }
    if (any && table.options.max_time && table.around.seconds() - begin > *table.options.max_time) {
      AddLine(e, "maxTime was over", false, board);
      board.truncated = true;
      continue;
    }
    const FoldPlan& own = e.once ? once : plan;
    const auto lost = [&](const std::vector<Candidate>& so_far) {
      return best_value && HasLost(board.metric, table.labels, own, choice.best.answers, so_far,
                                   e.a_fold > kDear);
    };
    auto tried = TryLearner(table, own, *e.learner, e.log_target, keep, lost);
    any = true;
    if (!tried) {
      if (tried.error().kind == ErrorKind::kCancelled) return tried.error();
      AddLine(e, tried.error().message, true, board);
      table.around.Say("failed",
                       {{"learner", e.learner->name()}, {"error", tried.error().message}});
      continue;
    }
    const std::size_t folds = tried->front().answers.size();
    const std::size_t settings = tried->size();
    if (folds < own.folds.size()) {
      AddLine(e,
              (e.a_fold > kDear ? "not ahead after " : "far behind after ") +
                  std::to_string(folds) + " of " + std::to_string(own.folds.size()) +
                  " folds, and spared the others",
              false, board);
      continue;
    }
    AddTried(table, own, std::move(*tried), best_value, choice);
    table.around.Say("candidate", {{"learner", e.learner->name()},
                                   {"logTarget", e.log_target},
                                   {"settings", settings},
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
