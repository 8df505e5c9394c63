#include "components/train/mlp/plan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "components/train/mlp/schedule.h"

namespace penstock::train {
namespace {

constexpr double kBudget = 6e10;  // multiply-adds of one Fit: a few seconds of one core
constexpr double kPerRow = 3;     // forwards, and backwards to weights and to values
constexpr std::int64_t kSteps = 600;
constexpr std::int64_t kFewestEpochs = 20;
constexpr std::int64_t kMostEpochs = 120;
constexpr std::int64_t kLeastEpochs = 3;  // whatever they cost
constexpr std::int64_t kNetworks = 4;
constexpr std::int64_t kCycles[] = {9, 3, 1};  // parts of the longest
constexpr std::size_t kOneLayer = 1'000;       // below so many rows there is one hidden layer
constexpr double kWeightDecay = 0.05;

struct Dropout {
  const char* id;
  double share;
};
constexpr std::array<Dropout, 2> kDropouts = {{{"light", 0.1}, {"strong", 0.3}}};

std::int64_t BatchFor(std::size_t rows) {
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(1, rows / 10));
  return std::int64_t(std::clamp<std::size_t>(wanted, 32, 1024));
}

Plan PlanFor(const MlpOptions& options, const Dropout& dropout, std::size_t rows, std::size_t width,
             const Target& target) {
  Plan plan;
  plan.id = options.dropout ? "given" : dropout.id;
  plan.hidden = options.hidden.value_or(rows < kOneLayer ? std::vector<std::int64_t>{128}
                                                         : std::vector<std::int64_t>{128, 64});
  plan.dropout = options.dropout.value_or(dropout.share);
  plan.embedding_dropout = plan.dropout / 2;
  plan.direct =
      !options.init.given() && !plan.hidden.empty() &&
      4 * std::int64_t(target.width()) <= *std::min_element(plan.hidden.begin(), plan.hidden.end());
  plan.weight_decay = options.weight_decay.value_or(kWeightDecay);
  plan.label_smoothing = options.label_smoothing;
  plan.batch_size = std::min<std::int64_t>(options.batch_size.value_or(BatchFor(rows)),
                                           std::int64_t(std::max<std::size_t>(1, rows)));
  const std::int64_t steps_per_epoch =
      std::max<std::int64_t>(1, (std::int64_t(rows) + plan.batch_size - 1) / plan.batch_size);
  const double epoch_cost = std::max(1.0, kPerRow * RowCost(plan, width, target) * double(rows));
  const auto affordable = std::int64_t(std::min(1e6, kBudget / epoch_cost));
  const auto wanted = std::clamp(kSteps / steps_per_epoch, kFewestEpochs, kMostEpochs);
  plan.epochs = options.epochs.value_or(std::clamp(affordable, kLeastEpochs, wanted));
  const double share = kBudget / (epoch_cost * double(plan.epochs));
  plan.networks = options.networks.value_or(
      std::clamp<std::int64_t>(std::int64_t(std::min(share, 1e3)), 1, kNetworks));
  if (plan.hidden.empty()) plan.networks = 1;
  return plan;
}

}  // namespace

std::vector<Plan> MakePlans(const MlpOptions& options, std::size_t rows, std::size_t width,
                            const Target& target) {
  std::vector<Plan> plans;
  for (const Dropout& dropout : kDropouts) {
    plans.push_back(PlanFor(options, dropout, rows, width, target));
    if (options.dropout || plans.back().hidden.empty()) break;
  }
  return plans;
}

std::vector<int> EpochLadder(const MlpOptions& options, const Plan& plan) {
  if (options.epochs) return {int(plan.epochs)};
  std::vector<int> ladder;
  for (const std::int64_t part : kCycles) {
    const std::int64_t epochs = plan.epochs / part;
    if (epochs >= kLeastEpochs || part == 1) ladder.push_back(int(epochs));
  }
  return ladder;
}

double RowCost(const Plan& plan, std::size_t width, const Target& target) {
  double sum = 0;
  double before = double(width);
  for (const std::int64_t size : plan.hidden) {
    sum += before * double(size);
    before = double(size);
  }
  if (plan.direct) before += double(width);
  return sum + before * double(target.width());
}

double TrainingCost(const Plan& plan, std::size_t rows, std::size_t width, const Target& target) {
  const double seen =
      double(rows) * double(plan.epochs) + double(plan.batch_size) * double(kFinderSteps);
  return kPerRow * RowCost(plan, width, target) * seen * double(plan.networks);
}

double TrainingSteps(const Plan& plan, std::size_t rows) {
  const double batches = std::ceil(double(rows) / double(plan.batch_size));
  return batches * double(plan.epochs) + double(kFinderSteps);
}

Json ToSetting(const Plan& plan) {
  return {{"id", plan.id},
          {"hidden", plan.hidden},
          {"dropout", plan.dropout},
          {"embeddingDropout", plan.embedding_dropout},
          {"weightDecay", plan.weight_decay},
          {"labelSmoothing", plan.label_smoothing},
          {"batchSize", plan.batch_size},
          {"epochs", plan.epochs},
          {"networks", plan.networks},
          {"direct", plan.direct}};
}

Result<Plan> ParseSetting(const Json& setting) {
  Plan plan;
  try {
    setting.at("id").get_to(plan.id);
    setting.at("hidden").get_to(plan.hidden);
    setting.at("dropout").get_to(plan.dropout);
    setting.at("embeddingDropout").get_to(plan.embedding_dropout);
    setting.at("weightDecay").get_to(plan.weight_decay);
    setting.at("labelSmoothing").get_to(plan.label_smoothing);
    setting.at("batchSize").get_to(plan.batch_size);
    setting.at("epochs").get_to(plan.epochs);
    setting.at("networks").get_to(plan.networks);
    setting.at("direct").get_to(plan.direct);
  } catch (const Json::exception& e) {
    return Invalid(std::string("no setting of mlp: ") + e.what());
  }
  if (plan.batch_size < 1 || plan.epochs < 1 || plan.networks < 1) {
    return Invalid("no setting of mlp: batchSize, epochs and networks must be at least 1");
  }
  return plan;
}

}  // namespace penstock::train
