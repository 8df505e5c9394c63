#include "components/train/boosting/settings.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "components/train/curve/held_out_loss.h"

namespace penstock::train {
namespace {

// The smallest label that at least `quantile` of the weight is not above.
double WeightedQuantile(const Rows& rows, double quantile) {
  std::vector<std::size_t> order(rows.y.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(rows.y[a], a) < std::pair(rows.y[b], b);
  });
  double total = 0;
  for (const std::size_t i : order) total += WeightOf(rows, i);
  double sum = 0;
  for (const std::size_t i : order) {
    sum += WeightOf(rows, i);
    if (sum >= quantile * total) return rows.y[i];
  }
  return rows.y[order.back()];
}

// Shortest text that reads back the same.
std::string Text(double value) { return Json(value).dump(); }

std::string BaseScore(const Rows& rows, const Target& target) {
  // of one class, or of no counts at all, the log of the mean would be infinite
  const double least = 0.5 / double(rows.y.size() + 1);
  switch (target.loss) {
    case Loss::kLog:
      return Text(std::clamp(WeightedMean(rows), least, 1 - least));
    case Loss::kSquared:
      return Text(WeightedMean(rows));
    case Loss::kAbsolute:
    case Loss::kHuber:
      return Text(WeightedQuantile(rows, 0.5));
    case Loss::kPoisson:
      return Text(std::max(WeightedMean(rows), least));
    case Loss::kQuantile:
      return Text(WeightedQuantile(rows, target.quantile));
  }
  return "0";
}

const char* Objective(const Target& target) {
  switch (target.loss) {
    case Loss::kLog:
      return target.classes > 2 ? "multi:softprob" : "binary:logistic";
    case Loss::kSquared:
      return "reg:squarederror";
    case Loss::kAbsolute:
      return "reg:absoluteerror";
    case Loss::kHuber:
      return "reg:pseudohubererror";
    case Loss::kPoisson:
      return "count:poisson";
    case Loss::kQuantile:
      return "reg:quantileerror";
  }
  return "";
}

// Chosen by folds within the training rows of small tables of many kinds (docs/boosting.md says
// which, and that their outer folds were seen, too), by the mean loss of the best of them against
// time: shallow, nearly additive and finely cut, as functions of one number are, or deep and held
// down.
struct Tuned {
  std::size_t rows;  // from so many
  std::vector<BoostingSetting> settings;
};
const std::vector<Tuned> kTuned = {
    {0, {{2, 0.15, 2, 1, 0.8, 512}, {6, 0.1, 8, 8, 0.5, 64}}},
    {2'000, {{2, 0.15, 2, 1, 0.8, 512}, {4, 0.05, 5, 3, 0.7, 128}, {6, 0.05, 8, 8, 0.5, 64}}},
    {100'000, {{6, 0.1, 5, 1, 1, 256}, {8, 0.1, 20, 1, 0.7, 256}}}};

// Rounds that a model takes at a learning rate of 1, times that rate: fewer leave it unfinished.
constexpr double kRoundsAtRate1 = 20;

constexpr double kFewestRounds = 30;

// Of one setting, in the units of RoundCost.
double MostCost(std::size_t rows) { return 250 * std::max(1.0, double(rows) / 5'000); }

// The ladder's last: what takes a second or two of few rows, by their number more of many.
int MostRounds(const BoostingSetting& setting, std::size_t rows, std::size_t features,
               const Target& target) {
  const double bound = MostCost(rows) / RoundCost(setting, rows, features, target);
  return int(std::clamp(bound, kFewestRounds, std::max(kFewestRounds, 60 / setting.learning_rate)));
}

}  // namespace

Json ToJson(const BoostingSetting& setting) {
  return {
      {"id", "depth " + std::to_string(setting.depth) + ", rate " + Text(setting.learning_rate) +
                 ", child weight " + Text(setting.min_child_weight) + ", lambda " +
                 Text(setting.lambda) + ", rows " + Text(setting.subsample) + ", bins " +
                 std::to_string(setting.bins)},
      {"depth", setting.depth},
      {"learningRate", setting.learning_rate},
      {"minChildWeight", setting.min_child_weight},
      {"lambda", setting.lambda},
      {"subsample", setting.subsample},
      {"bins", setting.bins}};
}

Result<BoostingSetting> ParseBoostingSetting(const Json& json) {
  for (const char* key :
       {"depth", "learningRate", "minChildWeight", "lambda", "subsample", "bins"}) {
    if (!json.is_object() || !json.contains(key) || !json.at(key).is_number())
      return Invalid(std::string("a setting of boosting has a number '") + key +
                     "'; this one has not: " + json.dump());
  }
  return BoostingSetting{json["depth"],  json["learningRate"], json["minChildWeight"],
                         json["lambda"], json["subsample"],    json["bins"]};
}

// A tree costs its rows' sums by level and its bins' by node.
double RoundCost(const BoostingSetting& setting, std::size_t rows, std::size_t features,
                 const Target& target) {
  const double tree = double(features) * (double(rows) * double(setting.depth) +
                                          double(setting.bins) * std::exp2(double(setting.depth)));
  return tree * double(target.width()) / 1e6;
}

std::vector<BoostingSetting> BoostingSettings(const BoostingOptions& options, std::size_t rows,
                                              std::size_t features, const Target& target) {
  std::vector<BoostingSetting> settings;
  for (const Tuned& tuned : kTuned) {
    if (rows >= tuned.rows) settings = tuned.settings;
  }
  // where there is no time for the fewest rounds of one, there is none to compare
  const double fewest = kFewestRounds * RoundCost(settings.front(), rows, features, target);
  if (fewest > MostCost(rows)) settings.resize(1);
  std::vector<BoostingSetting> chosen;
  for (BoostingSetting& setting : settings) {
    if (options.depth) setting.depth = *options.depth;
    // where time for few rounds is, as of many classes, each goes further
    const double in_time = kRoundsAtRate1 / MostRounds(setting, rows, features, target);
    setting.learning_rate = options.learning_rate.value_or(
        std::round(100 * std::clamp(in_time, setting.learning_rate, 0.3)) / 100);
    if (std::find(chosen.begin(), chosen.end(), setting) == chosen.end()) chosen.push_back(setting);
  }
  return chosen;
}

Json GainByFeature(const std::vector<double>& gain, std::span<const sdk::Feature> features) {
  double total = 0;
  for (const double g : gain) total += g;
  Json shares = Json::object();
  for (std::size_t i = 0; i < gain.size() && i < features.size(); ++i) {
    if (gain[i] > 0) shares[features[i].name] = gain[i] / total;
  }
  return shares;
}

std::vector<int> BoostingLadder(const BoostingOptions& options, const BoostingSetting& setting,
                                std::size_t rows, std::size_t features, const Target& target) {
  if (options.rounds) return {int(*options.rounds)};
  const int last = MostRounds(setting, rows, features, target);
  std::vector<int> ladder;
  double rung = std::max(1.0, 0.8 / setting.learning_rate);
  while (int(rung) < last) {
    ladder.push_back(int(rung));
    rung = std::max(rung * 1.25, rung + 1);
  }
  ladder.push_back(last);
  return ladder;
}

std::map<std::string, std::string> XgboostParameters(const BoostingSetting& setting,
                                                     const Rows& rows, const Context& context) {
  const Target& target = context.target;
  std::map<std::string, std::string> parameters = {
      {"booster", "gbtree"},
      {"tree_method", "hist"},
      {"verbosity", "0"},
      {"disable_default_eval_metric", "true"},
      {"nthread", std::to_string(std::max(1, context.threads))},
      {"seed", "0"},  // nothing that xgboost draws is used
      {"objective", Objective(target)},
      {"max_bin", std::to_string(setting.bins)},
      {"max_depth", std::to_string(setting.depth)},
      {"eta", Text(setting.learning_rate)},
      {"min_child_weight", Text(setting.min_child_weight)},
      {"lambda", Text(setting.lambda)}};
  if (target.width() > 1) {
    parameters["num_class"] = std::to_string(target.classes);
  } else {
    parameters["base_score"] = BaseScore(rows, target);
  }
  if (target.loss == Loss::kHuber)
    parameters["huber_slope"] = Text(target.delta * LabelScale(rows));
  if (target.loss == Loss::kQuantile) parameters["quantile_alpha"] = Text(target.quantile);
  return parameters;
}

}  // namespace penstock::train
