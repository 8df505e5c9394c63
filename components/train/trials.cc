#include "components/train/trials.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "operator/base/try.h"
#include "operator/base/version.h"

namespace penstock::train {
namespace {

// Labels and weights of some rows, as a learner takes them.
struct Taken {
  std::vector<double> y;
  std::vector<double> weight;
};

Result<Taken> Take(const Labels& labels, const std::vector<std::uint32_t>& rows, bool log_target) {
  Taken taken;
  taken.y.reserve(rows.size());
  double sum = labels.fit_weight.empty() ? 1 : 0;
  for (const std::uint32_t r : rows) {
    taken.y.push_back(log_target ? std::log(labels.y[r]) : labels.y[r]);
    if (labels.fit_weight.empty()) continue;
    taken.weight.push_back(labels.fit_weight[r]);
    sum += labels.fit_weight[r];
  }
  if (!(sum > 0)) return Invalid("the rows of a fold have no weight; give folds: 2, or more rows");
  return taken;
}

// Whether there is a shape without bends to ask for.
bool HasBends(const sdk::Transform& transform) {
  if (!transform.view()) return false;  // a recipe of before there were bends
  const auto has = [&](bool bends) {
    const auto& steps = transform.spec().steps;
    return std::any_of(steps.begin(), steps.end(), [&](const sdk::TransformStep& step) {
      return (step.op == sdk::TransformOp::kBends) == bends &&
             (step.views & sdk::Only(*transform.view())) != 0;
    });
  };
  return has(true) && has(false);
}

Context ContextOf(const Table& table, const sdk::Transform& transform, std::string checkpoint) {
  Context context;
  context.features = transform.features();
  context.bends = HasBends(transform);
  context.target = table.labels.target;
  context.seed = std::uint64_t(table.options.seed);
  context.threads = int(table.options.threads);
  context.device = table.options.device;
  context.checkpoint = std::move(checkpoint);
  context.stop = table.around.stop;
  return context;
}

// What a trial depends on beside its rows. The same numbers may be codes of categories or values,
// classes or a regression's labels.
Json KeyOf(const Table& table, const Learner& learner, bool log_target,
           const sdk::Transform& transform, const Json& more) {
  const Target& target = table.labels.target;
  Json columns = Json::array();
  for (const sdk::Feature& f : transform.features()) columns.push_back({f.name, f.cardinality});
  return {{"release", PenstockVersion()},     {"learner", learner.name()},
          {"logTarget", log_target},          {"seed", table.options.seed},
          {"threads", table.options.threads}, {"parameters", table.parameters},
          {"features", std::move(columns)},   {"bends", HasBends(transform)},
          {"task", sdk::Name(target.task)},   {"classes", target.classes},
          {"loss", int(target.loss)},         {"more", more}};
}

Result<void> CheckTrials(const Learner& learner, std::vector<Trial>& trials, std::size_t numbers) {
  if (trials.empty()) return Internal(learner.name() + " gave no setting");
  for (const Trial& trial : trials) {
    if (trial.answers.size() != numbers) {
      return Internal(learner.name() + " gave " + std::to_string(trial.answers.size()) +
                      " answers where " + std::to_string(numbers) + " were asked for");
    }
    for (const double a : trial.answers) {
      if (!std::isfinite(a)) {
        return Invalid(learner.name() + " answers what is no number, with the setting " +
                       trial.setting.dump());
      }
    }
  }
  return {};
}

// One fold: the recipe, the matrices, the learner.
struct FoldTrials {
  std::vector<Trial> trials;
  sdk::TransformSpec spec;
  std::size_t features = 0;
};

Result<FoldTrials> TryFold(const Table& table, const Fold& fold, const Learner& learner,
                           bool log_target, bool keep) {
  PENSTOCK_ASSIGN(
      auto fit,
      table.rows.FitOn(fold.train, learner.view(), table.labels.y, table.labels.target.classes,
                       std::uint64_t(table.options.seed), table.labels.group));
  PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(fit.spec, learner.view()));
  PENSTOCK_ASSIGN(const auto held_out, table.rows.Matrix(transform, fold.held_out));
  PENSTOCK_ASSIGN(const auto own, Take(table.labels, fold.train, log_target));
  PENSTOCK_ASSIGN(const auto other, Take(table.labels, fold.held_out, log_target));
  const Rows train{&fit.x, own.y, own.weight};
  const Rows valid{&held_out, other.y, other.weight};

  FoldTrials out;
  out.spec = std::move(fit.spec);
  out.features = transform.width();
  std::string key;
  if (table.store.active()) {
    key = TrialKey(KeyOf(table, learner, log_target, transform, {{"keep", keep}}), train, &valid);
    PENSTOCK_ASSIGN(auto found, table.store.Find(key));
    // What is kept beyond its answers is not in the file: the learner goes on from its own state.
    if (found && !keep) {
      out.trials = std::move(*found);
      return out;
    }
  }
  PENSTOCK_ASSIGN(auto folder, table.store.FolderFor(key));
  Context context = ContextOf(table, transform, std::move(folder));
  context.keep = keep;
  PENSTOCK_ASSIGN(out.trials, learner.Try(train, valid, context));
  PENSTOCK_TRY(
      CheckTrials(learner, out.trials, fold.held_out.size() * table.labels.target.width()));
  PENSTOCK_TRY(table.store.Keep(key, out.trials));
  if (!keep) table.store.Drop(key);
  return out;
}

Result<void> AddFold(const Learner& learner, bool log_target, FoldTrials fold,
                     std::vector<Candidate>& candidates) {
  const bool first = candidates.empty();
  if (!first && fold.trials.size() != candidates.size()) {
    return Internal(learner.name() + " tried " + std::to_string(fold.trials.size()) +
                    " settings in one fold and " + std::to_string(candidates.size()) +
                    " in another");
  }
  for (std::size_t i = 0; i < fold.trials.size(); ++i) {
    Trial& trial = fold.trials[i];
    if (first) {
      candidates.push_back({&learner, log_target, trial.setting, trial.rounds, {}, {}});
    } else {
      Candidate& c = candidates[i];
      if (c.setting.value("id", Json()) != trial.setting.value("id", Json())) {
        return Internal(learner.name() + " tried setting " + trial.setting.dump() +
                        " where another fold had " + c.setting.dump());
      }
      if (c.rounds && trial.rounds) *c.rounds += *trial.rounds;
    }
    if (log_target) {
      for (double& a : trial.answers) {
        a = std::exp(a);
        if (std::isfinite(a)) continue;
        return Invalid(learner.name() +
                       " answers a logarithm whose exponential is no number, with the setting " +
                       trial.setting.dump() + "; set logTarget: never");
      }
    }
    candidates[i].answers.push_back(std::move(trial.answers));
    if (trial.fitted != nullptr) {
      candidates[i].kept = FittedModel{fold.spec, fold.features, std::move(trial.fitted)};
    }
  }
  return {};
}

// What a library throws (out of memory apart, which is the step's) is that candidate's fault.
template <typename Call>
auto Guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Invalid(e.what());
  }
}

}  // namespace

bool IsSkewed(const Labels& labels) {
  double sum = 0;
  double logs = 0;
  for (const double y : labels.y) {
    if (y <= 0) return false;
    sum += y;
    logs += std::log(y);
  }
  const auto n = double(labels.y.size());
  const double mean = sum / n;
  const double log_mean = logs / n;
  double m2 = 0, m3 = 0, l2 = 0, l3 = 0;
  for (const double y : labels.y) {
    const double d = y - mean;
    const double l = std::log(y) - log_mean;
    m2 += d * d;
    m3 += d * d * d;
    l2 += l * l;
    l3 += l * l * l;
  }
  if (!(m2 > 0) || !(l2 > 0)) return false;
  const double skew = m3 / n / std::pow(m2 / n, 1.5);
  const double log_skew = l3 / n / std::pow(l2 / n, 1.5);
  return skew > 1 && std::abs(log_skew) < skew;
}

Result<std::vector<Candidate>> TryLearner(const Table& table, const FoldPlan& plan,
                                          const Learner& learner, bool log_target, bool keep,
                                          const Lost& lost) {
  return Guarded([&]() -> Result<std::vector<Candidate>> {
    std::vector<Candidate> candidates;
    for (std::size_t f = 0; f < plan.folds.size(); ++f) {
      if (table.around.stop && table.around.stop()) return Cancelled("stopped");
      auto fold = TryFold(table, plan.folds[f], learner, log_target, keep);
      if (!fold) return fold.error();
      PENSTOCK_TRY(AddFold(learner, log_target, std::move(*fold), candidates));
      table.around.Say("fold", {{"learner", learner.name()},
                                {"logTarget", log_target},
                                {"fold", f + 1},
                                {"of", plan.folds.size()}});
      if (f + 1 < plan.folds.size() && lost && lost(candidates)) break;
    }
    for (Candidate& c : candidates) {
      if (c.rounds) *c.rounds /= double(c.answers.size());
    }
    return candidates;
  });
}

Result<FittedModel> FitCandidate(const Table& table, const Candidate& candidate,
                                 const std::vector<std::uint32_t>& rows) {
  const Learner& learner = *candidate.learner;
  return Guarded([&]() -> Result<FittedModel> {
    PENSTOCK_ASSIGN(auto fit, table.rows.FitOn(
                                  rows, learner.view(), table.labels.y, table.labels.target.classes,
                                  std::uint64_t(table.options.seed), table.labels.group));
    PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(fit.spec, learner.view()));
    PENSTOCK_ASSIGN(const auto taken, Take(table.labels, rows, candidate.log_target));
    const Rows all{&fit.x, taken.y, taken.weight};
    std::string key;
    if (table.store.active()) {
      key = TrialKey(KeyOf(table, learner, candidate.log_target, transform,
                           {{"setting", candidate.setting},
                            {"rounds", candidate.rounds ? Json(*candidate.rounds) : Json()}}),
                     all, nullptr);
    }
    PENSTOCK_ASSIGN(auto folder, table.store.FolderFor(key));
    Context context = ContextOf(table, transform, std::move(folder));
    context.report = [&](const Progress& p) {
      std::int64_t stride = 1;
      while (p.round >= stride * 10) stride *= 10;
      if (p.round % stride != 0) return;  // 1 ... 9, 10, 20, ... 90, 100, 200, ...
      Json line = {{"learner", p.learner}, {"round", p.round}, {"trainLoss", p.train_loss}};
      if (p.valid_loss) line["validLoss"] = *p.valid_loss;
      table.around.Say("round", line);
    };
    PENSTOCK_ASSIGN(auto fitted, learner.Fit(all, candidate.setting, candidate.rounds, context));
    table.store.Drop(key);
    return FittedModel{std::move(fit.spec), transform.width(), std::move(fitted)};
  });
}

Result<std::optional<OverfitReport>> LearnOneBatch(
    const Table& table, const std::vector<std::unique_ptr<Learner>>& learners,
    const std::vector<std::uint32_t>& rows) {
  for (const auto& learner : learners) {
    auto report = Guarded([&]() -> Result<std::optional<OverfitReport>> {
      PENSTOCK_ASSIGN(
          auto fit,
          table.rows.FitOn(rows, learner->view(), table.labels.y, table.labels.target.classes,
                           std::uint64_t(table.options.seed), table.labels.group));
      PENSTOCK_ASSIGN(const auto transform, sdk::Transform::Make(fit.spec, learner->view()));
      PENSTOCK_ASSIGN(const auto taken, Take(table.labels, rows, false));
      return learner->LearnOneBatch({&fit.x, taken.y, taken.weight},
                                    ContextOf(table, transform, ""));
    });
    if (!report || *report) return report;
  }
  return std::optional<OverfitReport>();
}

Result<std::vector<double>> AnswerRows(const Table& table, const Candidate& candidate,
                                       const FittedModel& fitted,
                                       const std::vector<std::uint32_t>& rows) {
  PENSTOCK_ASSIGN(const auto transform,
                  sdk::Transform::Make(fitted.spec, candidate.learner->view()));
  PENSTOCK_ASSIGN(const auto x, table.rows.Matrix(transform, rows));
  PENSTOCK_ASSIGN(auto answers, fitted.model->Answer(x));
  if (candidate.log_target) {
    for (double& a : answers) a = std::exp(a);
  }
  return answers;
}

}  // namespace penstock::train
